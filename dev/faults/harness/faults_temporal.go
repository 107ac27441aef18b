package main

import "aftercall/dev/local"

// temporalFaults are those of the nodes of Temporal.
func temporalFaults(t local.Topology) (all []fault) {
	nodes := local.Numbered("temporal", max(1, len(t.Nodes)))
	for _, node := range nodes {
		all = append(all, fault{"kill -9", node, killed(node)}, fault{"SIGSTOP", node, paused(node, 0)})
	}
	if len(nodes) > 1 {
		all = append(all, fault{"kill -9 of all nodes", "temporal", killed(nodes...)})
	}
	return all
}
