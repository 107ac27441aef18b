package harness

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver sqlite
)

// burner is a contestant that burns down the same load again and again.
type burner struct {
	*deployment
	load Load
	// rates are calls per second. CPU times are milliseconds per call: cpu of the service
	// and Temporal, databases of what is behind them.
	rates, cpu, databases []float64
}

// burn returns the calls per second of one burn-down.
func (b *burner) burn(ctx context.Context) (float64, error) {
	r, err := b.run(ctx, b.load)
	if err == nil && !r.Verification.Clean() {
		err = fmt.Errorf("%s: %+v", b.contestant.Name, r.Verification)
	}
	b.cpu = append(b.cpu, ms(r.ServiceCPU+r.TemporalCPU))
	b.databases = append(b.databases, ms(r.ServerCPU-r.TemporalCPU))
	return r.PerSecond, err
}

// fileMiB is the size of the Temporal server's database.
func (b *burner) fileMiB(ctx context.Context) (mib float64, err error) {
	db, err := sql.Open("sqlite", "file:"+b.temporalFile()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, "SELECT page_count * page_size / 1048576.0 FROM pragma_page_count, pragma_page_size").Scan(&mib)
	return mib, err
}

// warmUp is how many calls each contestant burns down before it is measured.
const warmUp = 200

// BurnDownTargets compares burn-downs of aftercall, on the local stack's server and on
// the server as it comes, and of the Temporal timer form on the server as it comes. The
// servers have the same settings otherwise.
func (b *Bench) BurnDownTargets(ctx context.Context, calls int) (targets []Target, err error) {
	var burners []*burner
	var sides []func() (float64, error)
	for _, c := range []Contestant{aftercall, aftercallStock, temporalTimer} {
		d, err := b.start(ctx, c)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, d.stop()) }()
		if _, err := d.run(ctx, Load{Name: "warm-up", Calls: warmUp, Copies: 1}); err != nil {
			return nil, err
		}
		burning := &burner{deployment: d, load: Load{Name: BurnDown, Calls: calls, Copies: 1}}
		burners, sides = append(burners, burning), append(sides, func() (float64, error) { return burning.burn(ctx) })
	}
	figures, err := inTurns(b.Turns, sides...)
	if err != nil {
		return nil, err
	}
	for i, rates := range figures {
		burners[i].rates = rates
	}
	slim, stock, timer := burners[0], burners[1], burners[2]
	of := fmt.Sprintf("burn-down of %d calls", calls)
	targets = []Target{
		comparison{slim.rates, stock.rates}.target("calls per second, "+of+", the stack's server (slim list, `GOGC=400`) against the stock server", 1.35),
		comparison{slim.cpu, stock.cpu}.atMost("CPU per call, service and Temporal, the same", 0.8),
		comparison{slim.rates, timer.rates}.target("calls per second, "+of+", against the timer form on the stock server", 3.5),
		comparison{slim.cpu, timer.cpu}.atMost("CPU per call, the same", 0.29),
	}
	for i := range targets {
		if strings.HasPrefix(targets[i].Figure, "CPU") {
			targets[i].Measured += fmt.Sprintf("; and %.1f ms of the databases", median(slim.databases))
		}
	}
	share, err := listShares(ctx, slim, stock)
	if err != nil {
		return targets, err
	}
	targets = append(targets, share)
	size, err := fileSizes(ctx, slim, stock)
	return append(targets, size), err
}

// listShares profiles one more burn-down of each.
func listShares(ctx context.Context, slim, stock *burner) (Target, error) {
	var shares []float64
	for _, b := range []*burner{slim, stock} {
		share, err := b.listShare(ctx, func() error { _, err := b.burn(ctx); return err })
		if errors.As(err, new(*noProfileError)) {
			return Target{Figure: listFigure, Target: listTarget, Measured: err.Error()}, nil
		}
		if err != nil {
			return Target{}, err
		}
		shares = append(shares, 100*share)
	}
	return Target{listFigure, listTarget, fmt.Sprintf("%.1f %% (%.1f %% on the stock server)", shares[0], shares[1]), shares[0] <= 10}, nil
}

const (
	listFigure = "writes to the list of workflows, of the server's CPU in a burn-down"
	listTarget = "≤ 10 %"
)

// fileSizes compares the server's files, after as many calls.
func fileSizes(ctx context.Context, slim, stock *burner) (Target, error) {
	ours, err := slim.fileMiB(ctx)
	if err != nil {
		return Target{}, err
	}
	theirs, err := stock.fileMiB(ctx)
	return Target{
		fmt.Sprintf("the server's file after %d calls, with a slim list against the stock server", warmUp+len(slim.cpu)*slim.load.Calls),
		"≤ 0.50 ×", fmt.Sprintf("%.2f × (%.0f MiB against %.0f MiB)", ours/theirs, ours, theirs), ours/theirs <= 0.5,
	}, err
}

// SteadyTargets compares aftercall with DBOS while so many calls a second end, for
// steadyTime, each callback posted three times.
func (b *Bench) SteadyTargets(ctx context.Context, rate int) (targets []Target, err error) {
	const copies = 3
	load := Load{Name: Steady, Calls: rate * int(steadyTime/time.Second), Rate: rate, Copies: copies}
	late, acknowledged := make([][]float64, 2), make([][]float64, 2)
	var sides []func() (float64, error)
	for i, c := range []Contestant{aftercall, dbos} {
		d, err := b.start(ctx, c)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, d.stop()) }()
		if _, err := d.run(ctx, Load{Name: "warm-up", Calls: warmUp, Rate: rate, Copies: 1}); err != nil {
			return nil, err
		}
		sides = append(sides, func() (float64, error) {
			r, err := d.run(ctx, load)
			if err == nil && !r.Verification.Clean() {
				err = fmt.Errorf("%s: %+v", c.Name, r.Verification)
			}
			late[i] = append(late[i], ms(r.WebhookDelay.P99))
			acknowledged[i] = append(acknowledged[i], ms(r.Ack.P99))
			return 0, err
		})
	}
	if _, err := inTurns(b.Turns, sides...); err != nil {
		return nil, err
	}
	at := fmt.Sprintf("%d calls a second, each callback three times, against DBOS", rate)
	return []Target{
		comparison{late[0], late[1]}.atMost("webhook delay p99, "+at, 3),
		comparison{acknowledged[0], acknowledged[1]}.atMost("acknowledgement p99, the same", 5),
	}, nil
}

// steadyTime is how long a steady load is.
const steadyTime = 8 * time.Second
