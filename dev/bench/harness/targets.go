package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// Target is one figure that ours should reach.
type Target struct {
	Figure, Target, Measured string
	Reached                  bool
}

const (
	// tries is how often two things that are compared take turns.
	tries = 5
	// outageRate is how many calls a second come during an outage: what the
	// development server takes beside the attempts of those that wait.
	outageRate = 50
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
	acknowledged, err := compare(
		func() (float64, error) { return p.callbacks(ctx, calls) },
		func() (float64, error) { return p.startLoop(ctx, launch.NewCalls(c, "nobody"), calls) },
	)
	if err != nil {
		return nil, err
	}
	targets = append(targets, acknowledged.target("new callbacks acknowledged, against a bare start loop", 0.85))
	duplicates, err := p.duplicates(ctx, calls*50)
	return append(targets, duplicates), err
}

// comparison are figures of ours and of something bare that took turns.
type comparison struct{ ours, bare []float64 }

// compare measures both in turns, and who begins takes turns too: a machine
// that slows down meanwhile slows both.
func compare(ours, bare func() (float64, error)) (c comparison, err error) {
	for try := range tries {
		measure := func(rates *[]float64, rate func() (float64, error)) {
			if err == nil {
				var r float64
				r, err = rate()
				*rates = append(*rates, r)
			}
		}
		if try%2 == 0 {
			measure(&c.ours, ours)
			measure(&c.bare, bare)
		} else {
			measure(&c.bare, bare)
			measure(&c.ours, ours)
		}
	}
	return c, err
}

// ratio compares pair by pair: the median, the lowest and the highest.
func (c comparison) ratio() (median, lowest, highest float64) {
	ratios := make([]float64, len(c.ours))
	for i := range ratios {
		ratios[i] = c.ours[i] / c.bare[i]
	}
	return middle(ratios), slices.Min(ratios), slices.Max(ratios)
}

func (c comparison) target(figure string, atLeast float64) Target {
	r, lowest, highest := c.ratio()
	return Target{
		figure, fmt.Sprintf("≥ %.2f ×", atLeast),
		fmt.Sprintf("%.2f × (%.2f–%.2f; %.0f/s against %.0f/s)", r, lowest, highest, middle(c.ours), middle(c.bare)), r >= atLeast,
	}
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
	if err := pause(ctx, settle); err != nil {
		return err
	}
	for {
		_, before, err := p.used()
		if err != nil {
			return err
		}
		if err := pause(ctx, moment); err != nil {
			return err
		}
		_, after, err := p.used()
		if err != nil {
			return err
		}
		if after-before < quiet {
			return nil
		}
	}
}

// duplicates posts one callback again and again, while Temporal is down: whoever asked it
// would be late.
func (p *play) duplicates(ctx context.Context, posts int) (Target, error) {
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
	answered, err := compare(rate(p.port), rate(port))
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
	return ports[0], bare, await(ctx, bare, ready(httpURL(ports[0])+"/readyz"))
}

// Outage measures the memory of starter and worker, idle and with many calls that wait
// for a record API which refuses them.
func (b *Bench) Outage(ctx context.Context, calls int) (targets []Target, err error) {
	p, err := b.start(ctx, Contestant{Name: Ours, Temporal: true, Ours: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// Idle is a service that has worked: its pools and its code are in memory.
	if _, err := p.run(ctx, Load{Name: "warm-up", Calls: 500, Deliveries: 1}); err != nil {
		return nil, err
	}
	services, _ := p.pids()
	idle, err := memory(services)
	if err != nil {
		return nil, err
	}
	if err := p.world.tencent.AddAPIFault(tencentsim.APIFault{Code: inArrears}); err != nil {
		return nil, err
	}
	s := &sender{world: p.world, port: p.port, load: Load{Calls: calls, Rate: outageRate, Deliveries: 1}}
	if err := p.send(ctx, s); err != nil {
		return nil, err
	}
	if err := p.awaitWaiting(ctx, calls); err != nil {
		return nil, err
	}
	waiting, err := memory(services)
	if err != nil {
		return nil, err
	}
	const mib = 1 << 20
	more := float64(waiting-idle) / mib
	return []Target{{
		fmt.Sprintf("memory of starter and worker with %d calls waiting in a record outage, above idle", calls), "≤ 50 MiB",
		fmt.Sprintf("%.0f MiB (%.0f idle)", more, float64(idle)/mib), more <= 50,
	}}, nil
}

// awaitWaiting returns when so many calls wait for their record.
func (p *play) awaitWaiting(ctx context.Context, calls int) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: p.address, Logger: discard{}})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: workflows.WaitingQuery(workflows.StageRecord)})
		if err != nil {
			return err
		}
		if n.GetCount() >= int64(calls) {
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// BurnDown compares burn-downs of ours with those of the plain form, on servers with the
// same settings.
func (b *Bench) BurnDown(ctx context.Context, calls int) (targets []Target, err error) {
	load := Load{Name: BurnDown, Calls: calls, Deliveries: 1}
	var plays []*play
	for _, c := range []Contestant{{Name: Ours, Temporal: true, Ours: true}, {Name: Plain, Temporal: true}} {
		p, err := b.start(ctx, c)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		if _, err := p.run(ctx, Load{Name: "warm-up", Calls: 200, Deliveries: 1}); err != nil {
			return nil, err
		}
		plays = append(plays, p)
	}
	var ourCPU, plainCPU []float64
	rate := func(p *play, cpu *[]float64) func() (float64, error) {
		return func() (float64, error) {
			r, err := p.run(ctx, load)
			if err == nil && !r.Verdict.Clean() {
				err = fmt.Errorf("%s: %+v", p.contestant.Name, r.Verdict)
			}
			*cpu = append(*cpu, ms(r.ServiceCPU+r.ServerCPU))
			return r.PerSecond, err
		}
	}
	burned, err := compare(rate(plays[0], &ourCPU), rate(plays[1], &plainCPU))
	if err != nil {
		return nil, err
	}
	const most = 7
	return []Target{
		burned.target(fmt.Sprintf("calls per second, burn-down of %d calls, against the plain form", calls), 3),
		{
			"CPU per call, service and servers together", fmt.Sprintf("≤ %d ms", most),
			fmt.Sprintf("%.1f ms (plain form %.1f ms)", middle(ourCPU), middle(plainCPU)), middle(ourCPU) <= most,
		},
	}, nil
}

// Flat measures what calls cost as they become many: a service with so many thousands of
// them behind it takes turns with a new one.
func (b *Bench) Flat(ctx context.Context, thousands int) (targets []Target, err error) {
	ours := Contestant{Name: Ours, Temporal: true, Ours: true}
	old, err := b.start(ctx, ours)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, old.stop()) }()
	c, err := client.DialContext(ctx, client.Options{HostPort: old.address, Logger: discard{}})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var transitions []float64
	for range thousands {
		if _, err := old.thousand(ctx); err != nil {
			return nil, err
		}
		mean, err := old.transitions(ctx, c)
		if err != nil {
			return nil, err
		}
		transitions = append(transitions, mean)
	}
	fresh, err := b.start(ctx, ours)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.stop()) }()
	// Pools, caches and pollers reach their size before anything counts.
	if _, err := fresh.thousand(ctx); err != nil {
		return nil, err
	}
	cost, err := compare(
		func() (float64, error) { return old.thousand(ctx) },
		func() (float64, error) { return fresh.thousand(ctx) },
	)
	if err != nil {
		return nil, err
	}
	percent := func(ratio float64) float64 { return 100 * (ratio - 1) }
	r, lowest, highest := cost.ratio()
	first, last := transitions[0], transitions[len(transitions)-1]
	return []Target{
		{
			fmt.Sprintf("CPU of starter and worker per call, after %d,000 calls, against a new service", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%+.0f–%+.0f; %.1f against %.1f ms)", percent(r), percent(lowest), percent(highest), middle(cost.ours), middle(cost.bare)),
			percent(r) <= 10,
		},
		{
			fmt.Sprintf("state transitions per call, call 1,000 to %d,000", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%.2f to %.2f)", percent(last/first), first, last), percent(last/first) <= 10,
		},
	}, nil
}

// thousand runs so many calls, none of which may be lost, and returns the
// milliseconds of CPU that each of them took of the service.
func (p *play) thousand(ctx context.Context) (float64, error) {
	r, err := p.run(ctx, Load{Name: "flat", Calls: 1000, Deliveries: 1})
	if err == nil && !r.Verdict.Clean() {
		err = fmt.Errorf("%d of %d calls lost, %d doubled", r.Verdict.Lost(), r.Verdict.Calls, r.Verdict.Doubled())
	}
	return ms(r.ServiceCPU), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// transitions is the mean of some calls of the load that has just ended.
func (p *play) transitions(ctx context.Context, c client.Client) (float64, error) {
	var sum, n int64
	for id, app := range p.sample() {
		d, err := c.DescribeWorkflowExecution(ctx, workflows.AfterCallID(app, id), "")
		if err != nil {
			return 0, err
		}
		sum += d.GetWorkflowExecutionInfo().GetStateTransitionCount()
		n++
	}
	return float64(sum) / float64(n), nil
}

// sample chooses some calls whose webhook came.
func (p *play) sample() map[string]tencent.SDKAppID {
	chosen := map[string]tencent.SDKAppID{}
	calls := p.world.tencent.Calls()
	for i := len(calls) - 1; i >= 0 && len(chosen) < sampled; i -= 7 {
		chosen[calls[i].Record.CallID] = calls[i].SDKAppID
	}
	return chosen
}
