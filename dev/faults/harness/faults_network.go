package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"aftercall/dev/local"
)

// networkFaults are those between the parts, and those of a part that is cut off alone.
func networkFaults(t local.Topology) (all []fault) {
	for _, l := range links(t, local.Ports{}, 0) {
		all = append(all, faultsOf("network to "+l.name, l.name)...)
	}
	for _, part := range apart(t) {
		all = append(all, faultsOf("network of "+part, part)...)
	}
	return all
}

// faultsOf are those of the proxies with a name.
func faultsOf(network, name string) []fault {
	return []fault{
		{"cut and refused", network, refused(name)},
		{"600 ms late", network, disturbed(name, answers, bytesPassed, "latency", map[string]any{"latency": 600, "jitter": 300})},
		{"cut in mid-answer", network, disturbed(name, answers, longAnswers, cut, nil)},
		{"half open", network, disturbed(name, answers, bytesPassed, "timeout", map[string]any{"timeout": 0})},
		{"slow close", network, disturbed(name, answers, longAnswers, cut, map[string]any{"slowness": slowness.Milliseconds()})},
		// What is requested may be done when whoever requested it has given up.
		{"requests 4 s late", network, disturbed(name, requests, bytesPassed, "latency", map[string]any{"latency": 4000, "jitter": 3000})},
		{"requests lost", network, disturbed(name, requests, bytesPassed, "timeout", map[string]any{"timeout": 0})},
	}
}

// refused closes the connections to a part and refuses others.
func refused(name string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		if err := w.showsRefusal(ctx, name); err != nil {
			return nil, err
		}
		w.network.refuse(name)
		return func(context.Context) error { return w.network.accept(name) }, nil
	}
}

// showsRefusal says that somebody has to notice. Nodes of Temporal are not asked what they
// complain of: their connections are always in use.
func (w *world) showsRefusal(ctx context.Context, name string) error {
	switch {
	case name == toStarter:
		return w.showsCount(ctx, "callbacks had no answer", func(context.Context) (int, error) { return w.stack.Tencent.Stats().Callbacks.Failed, nil })
	case slices.Contains(w.network.names, name) || slices.Contains(apart(w.topology), name):
		return w.showsComplaint(complaintOfConnection)
	}
	open, _ := w.network.open(name)
	w.shows(func(context.Context) (string, error) {
		if open == 0 {
			return "", nil
		}
		return fmt.Sprintf("%d connections were cut", open), nil
	})
	return nil
}

// What a fault of a network happens to.
var (
	bytesPassed   = passed{"bytes", func(t *watchToxic) *atomic.Int64 { return &t.bytes }}
	longAnswers   = passed{"connections with a long answer", func(t *watchToxic) *atomic.Int64 { return &t.long }}
	commitsPassed = passed{"answers to an INSERT or a COMMIT", func(t *watchToxic) *atomic.Int64 { return &t.commits }}
)

type passed struct {
	what  string
	count func(*watchToxic) *atomic.Int64
}

func (p passed) sum(all []*watchToxic) (n int) {
	for _, t := range all {
		n += int(p.count(t).Load())
	}
	return n
}

// disturbed adds a toxic to one direction of a network.
func disturbed(name string, d direction, by passed, toxic string, attributes map[string]any) begin {
	return func(ctx context.Context, w *world) (end, error) {
		seen, err := w.network.disturb(name, d, toxic, attributes)
		if err != nil {
			return nil, err
		}
		err = w.showsCount(ctx, by.what, func(context.Context) (int, error) { return by.sum(seen), nil })
		return func(context.Context) error { w.network.heal(name); return nil }, err
	}
}
