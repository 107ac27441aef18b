package harness

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Target is a figure that aftercall should reach.
type Target struct {
	Figure, Target, Measured string
	Reached                  bool
}

const (
	// turns is how often two compared things are measured, except those that take
	// minutes: see Bench.Turns. The speed of a machine varies: with few turns, a median
	// near a target is above it or below it by chance.
	turns = 9
	// outageRate is the number of calls per second during an outage: what the
	// development server handles besides the retries of the waiting calls.
	outageRate = 40
	// codeInArrears is Tencent's answer for an account in arrears. Each call then
	// retries every two to four minutes, so that the server can hold many; after
	// an ordinary failure they would retry every minute and keep it busy.
	codeInArrears = 60017
	// sampled is the number of calls whose state transitions are read.
	sampled = 20
)

// inParallel runs do(0) to do(n-1) on burstSenders goroutines, and returns how
// many ran per second.
func inParallel(n int, do func(i int) error) (float64, error) {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, burstSenders)
	begin := time.Now()
	for range burstSenders {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return 0, err
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}

// newPoster returns a function that posts callbacks over persistent connections.
func newPoster() func(url string, body []byte) error {
	c := &http.Client{Timeout: senderTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: burstSenders}}
	return func(url string, body []byte) error {
		req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("answered %d: %s", resp.StatusCode, answer)
		}
		return err
	}
}
