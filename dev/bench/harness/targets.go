package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// Target is one figure that ours should reach.
type Target struct {
	Figure, Target, Measured string
	Reached                  bool
}

const (
	// tries is how often two things that are compared take turns, and longTries
	// that of burn-downs, which take minutes. The machine's speed changes all the
	// time: of few turns, the median lies on either side of a target that is near.
	tries, longTries = 9, 5
	// outageRate is how many calls a second come during an outage: what the
	// development server takes beside the attempts of those that wait.
	outageRate = 40
	// inArrears is what Tencent answers until somebody pays. Each call asks
	// again every two to four minutes, so that the server can hold many: after
	// a plain failure they would ask every minute, and keep it busy with that.
	inArrears = 60017
	// sampled is of how many calls the state transitions are read.
	sampled = 20
)

// inParallel runs do(0) to do(n-1) on burstSenders goroutines, and returns how
// many there were a second.
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

// poster posts callbacks over kept connections.
func poster() func(url string, body []byte) error {
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

// Acknowledged compares callbacks of new calls a second with a bare loop that
// only starts the same workflow, then duplicates a second with a bare handler
// that asks Redis once, while Temporal is down.
func (b *Bench) Acknowledged(ctx context.Context, calls int) (targets []Target, err error) {
	p, err := b.start(ctx, Contestant{Name: Ours, Temporal: true, Ours: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// Nothing but the start is to be measured.
	worker := &p.services[0]
	if err := worker.process.kill(); err != nil {
		return nil, err
	}
	worker.process = nil
	c, err := client.DialContext(ctx, client.Options{
		HostPort: p.address, Logger: discard{},
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	acknowledged, err := compare(tries,
		func() (float64, error) { return p.callbacks(ctx, calls) },
		func() (float64, error) { return p.startLoop(ctx, launch.NewCalls(c, "nobody"), calls) },
	)
	if err != nil {
		return nil, err
	}
	targets = append(targets, acknowledged.target("new callbacks acknowledged, against a bare start loop", 0.85))
	duplicates, err := p.duplicates(ctx, calls*100)
	return append(targets, duplicates), err
}

// startLoop starts workflows as the starter does, and nothing else.
func (p *play) startLoop(ctx context.Context, starter launch.Calls, calls int) (float64, error) {
	params := make([]workflows.AfterCallParams, calls)
	for i := range params {
		call, err := p.world.tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: p.world.app(i), Seconds: 61, Lose: true})
		if err != nil {
			return 0, err
		}
		params[i] = workflows.AfterCallParams{
			SDKAppID: call.SDKAppID, App: "app-0", CallID: call.Record.CallID, Source: workflows.SourceCallback,
			Callback: &call.Record, EndedAt: call.PlacedAt,
		}
	}
	rate, err := inParallel(calls, func(i int) error {
		_, err := starter.Start(ctx, params[i], "fingerprint")
		return err
	})
	return rate, errors.Join(err, p.rest(ctx))
}

// callbacks posts those of new calls.
func (p *play) callbacks(ctx context.Context, calls int) (float64, error) {
	s := &sender{world: p.world, load: Load{Rate: 1}, port: p.port}
	all := make([]placed, calls)
	for i := range all {
		var err error
		if all[i], err = s.place(i); err != nil {
			return 0, err
		}
	}
	post := poster()
	rate, err := inParallel(calls, func(i int) error { return post(callbackURL(p.port, all[i].app), all[i].body) })
	return rate, errors.Join(err, p.rest(ctx))
}

// rest waits until the starts of calls have had their consequences: the end of
// their delay, which costs the server something that is not to be measured.
func (p *play) rest(ctx context.Context) error {
	const moment, quiet = 500 * time.Millisecond, 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	if err := pause(ctx, settle); err != nil {
		return err
	}
	for {
		before, err := p.used()
		if err != nil {
			return err
		}
		if err := pause(ctx, moment); err != nil {
			return err
		}
		after, err := p.used()
		if err != nil {
			return err
		}
		if after.servers-before.servers < quiet {
			return nil
		}
	}
}

// duplicates posts one callback again and again, while Temporal is down: whoever asked it
// would be late.
func (p *play) duplicates(ctx context.Context, posts int) (target Target, err error) {
	const figure = "duplicates answered, against a bare handler with one Redis round trip; Temporal is down meanwhile"
	s := &sender{world: p.world, load: Load{Rate: 1}, port: p.port}
	call, err := s.place(0)
	if err != nil {
		return Target{}, err
	}
	post := poster()
	if err := post(callbackURL(p.port, call.app), call.body); err != nil {
		return Target{}, err
	}
	if err := p.temporal.kill(); err != nil {
		return Target{}, err
	}
	p.temporal = nil
	port, bareProcess, err := p.startBare(ctx)
	if err != nil {
		return Target{}, err
	}
	defer func() { err = errors.Join(err, bareProcess.kill()) }()
	rate := func(port int) func() (float64, error) {
		return func() (float64, error) {
			return inParallel(posts, func(int) error { return post(callbackURL(port, call.app), call.body) })
		}
	}
	answered, err := compare(tries, rate(p.port), rate(port))
	if err != nil {
		return Target{}, err
	}
	return answered.target(figure, 0.8), nil
}

func (p *play) startBare(ctx context.Context) (int, *process, error) {
	ports, err := freeport.Find(1)
	if err != nil {
		return 0, nil, err
	}
	environ := map[string]string{}
	for k, v := range p.environ {
		environ[k] = v
	}
	environ["AFTERCALL_LISTEN"] = address(ports[0])
	bare, err := start(command{name: "bare", path: p.bench.Self, args: []string{"contestant", "bare"}, environ: environ}, p.dir)
	if err != nil {
		return 0, nil, err
	}
	if err := await(ctx, bare, ready(httpURL(ports[0])+"/readyz")); err != nil {
		return 0, nil, errors.Join(err, bare.kill())
	}
	return ports[0], bare, nil
}
