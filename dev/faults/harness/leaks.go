package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
)

// quiet is how long everything may take to be back where it was. HTTP connections that
// are not used are closed after a minute and a half.
const quiet = 3 * time.Minute

// metrics are those of a starter or a worker about what it uses.
var metrics = map[string]string{
	"go_goroutines":                checker.Goroutines,
	"go_memstats_heap_alloc_bytes": checker.Heap,
	"process_open_fds":             checker.OpenFiles,
}

// usages are how much every starter and worker uses, and how many connections there are
// to what they use.
func (w *world) usages(ctx context.Context) (all []checker.Usage, err error) {
	for _, part := range w.services() {
		measured, err := usageOf(ctx, part)
		if err != nil {
			return nil, fmt.Errorf("what %s uses: %w", part.name, err)
		}
		all = append(all, measured...)
	}
	return append(all, w.connections()...), nil
}

// service is a starter or a worker with its admin listener.
type service struct{ name, admin string }

func adminURL(port int) string { return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (w *world) services() (all []service) {
	ports := w.stack.Ports()
	for kind, admins := range map[string][]int{"starter": ports.StarterAdmins, "worker": ports.WorkerAdmins} {
		for i, name := range local.Numbered(kind, len(admins)) {
			all = append(all, service{name, adminURL(admins[i])})
		}
	}
	slices.SortFunc(all, func(a, b service) int { return strings.Compare(a.name, b.name) })
	return all
}

// usageOf collects the garbage of a process, and then reads its metrics.
func usageOf(ctx context.Context, part service) (all []checker.Usage, err error) {
	if _, err := local.AskAdmin(ctx, part.admin+"/debug/pprof/heap?gc=1"); err != nil {
		return nil, err
	}
	families, err := local.Metrics(ctx, part.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	for metric, what := range metrics {
		if family := families[metric]; family != nil { // open files are not known everywhere
			all = append(all, checker.Usage{Part: part.name, What: what, Before: family.GetMetric()[0].GetGauge().GetValue()})
		}
	}
	return all, nil
}

// connections counts those of starters and workers to everything they use, as the
// proxies before it see them. Only Linux shows them.
func (w *world) connections() (all []checker.Usage) {
	for _, name := range w.network.names {
		if open, known := w.network.open(name); known {
			all = append(all, checker.Usage{Part: name, What: checker.Connections, Before: float64(open)})
		}
	}
	return all
}

// open counts the connections to a part, if that is known.
func (n *network) open(name string) (open int, known bool) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, false
	}
	sockets, err := proc.NetTCP() //nolint:staticcheck // netlink would be more code, and this is read once in two seconds
	if err != nil {
		return 0, false
	}
	const established, closeWait = 1, 8
	for _, proxy := range n.proxies[name] {
		listen, _ := netip.ParseAddrPort(proxy.Listen)
		for _, s := range sockets {
			if s.LocalPort == uint64(listen.Port()) && s.LocalAddr.Equal(net.IP(listen.Addr().AsSlice())) && (s.St == established || s.St == closeWait) {
				open++
			}
		}
	}
	return open, true
}

// settleUsages waits until everything is back where it was, or quiet is over, and returns
// what is used and what is not back. Processes that were started again are compared with those before the first
// fault, which had just been started.
func (w *world) settleUsages(ctx context.Context, before []checker.Usage) (compared []checker.Usage, leaks []checker.Finding, err error) {
	ctx, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	for {
		var now []checker.Usage
		if now, err = w.usages(ctx); err == nil {
			compared, err = compare(before, now)
		}
		if err == nil {
			if leaks = checker.Check(checker.Evidence{Usages: compared}); len(leaks) == 0 {
				for _, u := range compared {
					w.note("%s", u)
				}
				return compared, nil, nil
			}
		}
		if wait(ctx, 2*time.Second) != nil {
			return compared, leaks, err
		}
	}
}

// compare sets what is used now beside what was used before.
func compare(before, now []checker.Usage) ([]checker.Usage, error) {
	compared := slices.Clone(before)
	for i := range compared {
		u := &compared[i]
		j := slices.IndexFunc(now, func(n checker.Usage) bool { return n.Part == u.Part && n.What == u.What })
		if j < 0 {
			return nil, fmt.Errorf("the %s of %s are not known any more", u.What, u.Part)
		}
		u.After = now[j].Before
	}
	return compared, nil
}

// burstCalls are so many that what leaks with each of them is more than the checker allows.
const burstCalls = 100

// burst ends calls with which nothing is wrong, when all faults are over, and returns what
// they have leaked: a process that a fault has started again cannot show what the one before
// it has.
func (w *world) burst(ctx context.Context, healed time.Time) (findings []checker.Finding, err error) {
	before, err := w.usages(ctx)
	if err != nil {
		return nil, err
	}
	for i := range burstCalls {
		if err := w.placeClean(cleanApp(i), fmt.Sprintf("burst-%d", i+1), false); err != nil {
			return nil, err
		}
	}
	if _, findings, _, err = settle(ctx, w, healed); err != nil || len(findings) > 0 {
		return findings, err
	}
	_, findings, err = w.settleUsages(ctx, before)
	return findings, err
}

// growth is the most that any part uses more than before the first fault, of each kind.
func growth(usages []checker.Usage) string {
	most := map[string]float64{}
	for _, u := range usages {
		most[u.What] = max(most[u.What], u.After-u.Before)
	}
	var all []string
	for _, what := range slices.Sorted(maps.Keys(most)) {
		all = append(all, fmt.Sprintf("%.0f %s", most[what], what))
	}
	return strings.Join(all, ", ")
}

// profiles write what the goroutines of each process do into the folder of logs, and
// return what most of them do.
func (w *world) profiles(ctx context.Context) (stories []string) {
	for _, part := range w.services() {
		profile, err := local.AskAdmin(ctx, part.admin+"/debug/pprof/goroutine?debug=1")
		file := filepath.Join(w.stack.Dir(), "logs", part.name+"-goroutines.txt")
		if err == nil {
			err = os.WriteFile(file, []byte(profile), 0o600)
		}
		if err != nil {
			stories = append(stories, fmt.Sprintf("the goroutines of %s are not known: %v", part.name, err))
			continue
		}
		first := strings.SplitN(profile, "\n", 13)
		stories = append(stories, fmt.Sprintf("%s, of which all goroutines are in %s\n%s", part.name, file, strings.Join(first[:len(first)-1], "\n")))
	}
	return stories
}
