package main

import (
	"context"

	"aftercall/dev/local"
)

// networkFaults are those between the parts.
func networkFaults(t local.Topology) (all []fault) {
	for _, l := range links(t, local.Ports{}, 0) {
		part := "network to " + l.name
		all = append(all, fault{"cut and refused", part, refused(l.name)})
		for _, toxic := range []struct{ kind, json string }{
			{"600 ms late", `{"type": "latency", "attributes": {"latency": 600, "jitter": 300}}`},
			{"cut in mid-answer", `{"type": "limit_data", "attributes": {"bytes": 300}}`},
			{"half open", `{"type": "timeout", "attributes": {"timeout": 0}}`},
			{"slow close", `{"type": "slow_close", "attributes": {"delay": 3000}}`},
		} {
			all = append(all, fault{toxic.kind, part, disturbed(l.name, toxic.json)})
		}
	}
	return all
}

func refused(name string) begin {
	return func(_ context.Context, w *world) (end, error) {
		w.network.refuse(name)
		return func(context.Context) error { return w.network.accept(name) }, nil
	}
}

// disturbed adds a toxic, which is JSON of toxiproxy.
func disturbed(name, toxic string) begin {
	return func(_ context.Context, w *world) (end, error) {
		err := w.network.disturb(name, toxic)
		return func(context.Context) error { w.network.heal(name); return nil }, err
	}
}
