package dashboard

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/tencent"
)

// The apps of dev/aftercall.yaml.
const clinic, tutoring tencent.SDKAppID = 1400000000, 1400000001

// incidents happen in the course of the load, so that the panels show more than
// straight lines. from and until are shares of its time.
var incidents = []struct {
	from, until float64
	begin, end  func(*local.Stack) error
}{
	{
		0.40, 0.52, // the CRM is down
		func(s *local.Stack) error {
			return s.Webhooks.Fail(webhookreceiver.Failure{Target: "crm", Status: http.StatusServiceUnavailable})
		},
		func(s *local.Stack) error { s.Webhooks.ClearFailures(); return nil },
	},
	{
		0.65, 0.72, // Tencent's API does not work
		func(s *local.Stack) error {
			return s.Tencent.AddAPIFault(tencentsim.APIFault{Code: tencent.CodeInternal})
		},
		func(s *local.Stack) error { return s.Tencent.ClearFaults() },
	},
	{
		0.85, 0.86, // a call that nobody decides about
		func(s *local.Stack) error {
			_, err := s.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: clinic, Seconds: 310, Record: json.RawMessage(`{"AcceptTime":0}`)})
			return err
		},
		func(*local.Stack) error { return nil },
	},
}

// load lets calls end for a while, at about rate a second, and the samples with their
// reviews and corrections at the begin.
func load(ctx context.Context, stack *local.Stack, duration time.Duration, rate float64) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, _, err := stack.RunSamples(ctx, local.Samples())
		return err
	})
	begin := time.Now()
	for _, incident := range incidents {
		group.Go(func() error {
			if err := sleep(ctx, begin, share(duration, incident.from)); err != nil {
				return err
			}
			if err := incident.begin(stack); err != nil {
				return err
			}
			if err := sleep(ctx, begin, share(duration, incident.until)); err != nil {
				return err
			}
			return incident.end(stack)
		})
	}
	group.Go(func() error {
		at := time.Duration(0)
		for i := 0; at < duration; i++ {
			if err := sleep(ctx, begin, at); err != nil {
				return err
			}
			if _, err := stack.Tencent.PlaceCall(call(i)); err != nil {
				return err
			}
			// Three waves.
			now := rate * (1 + 0.6*math.Sin(6*math.Pi*at.Seconds()/duration.Seconds()))
			at += time.Duration(float64(time.Second) / now)
		}
		return nil
	})
	return group.Wait()
}

func share(d time.Duration, of float64) time.Duration { return time.Duration(of * float64(d)) }

// sleep waits until so long after begin.
func sleep(ctx context.Context, begin time.Time, after time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(begin.Add(after))):
		return nil
	}
}

// call is the i-th call: most are audio calls, some come twice, few are lost.
func call(i int) tencentsim.CallSpec {
	spec := tencentsim.CallSpec{SDKAppID: clinic, Seconds: int64(20 + i*37%280)}
	switch {
	case i%50 == 49:
		spec.Lose = true
	case i%7 == 3:
		spec.Seconds, spec.Result = 0, tencent.ResultNotAnswer
	case i%5 == 2:
		spec.Duplicates = 1
	case i%4 == 1:
		spec.Media = tencent.MediaVideo
	case i%6 == 4:
		spec.SDKAppID = tutoring
	}
	return spec
}
