package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
)

// TestAccepted: calls of which no callback was accepted have no workflow that could wait.
func TestAccepted(t *testing.T) {
	posted := func(statuses ...int) (c tencentsim.Call) {
		for _, status := range statuses {
			c.Callbacks = append(c.Callbacks, tencentsim.PostedCallback{Status: status})
		}
		return c
	}
	require.Equal(t, 2, accepted([]tencentsim.Call{posted(), posted(503), posted(0), posted(200), posted(503, 200, 200)}))
}

// TestAnswersOfBurst: every callback must be answered OK or 503 in time.
func TestAnswersOfBurst(t *testing.T) {
	late := "unanswered: 2 callbacks had no answer within 2 s"
	other := "unanswered: 2 callbacks had another answer than OK and 503"
	for name, c := range map[string]struct {
		statuses []int // below 0 for a callback that was not even posted
		answers  answers
		findings []string
	}{
		"as promised": {[]int{200, 503, 200}, answers{ok: 2, unavailable: 1, slowestMS: 503}, nil},
		"late":        {[]int{200, 0, 0}, answers{ok: 1, none: 2, slowestMS: 200}, []string{late}},
		"not posted":  {[]int{-1, -1, 503}, answers{unavailable: 1, none: 2, slowestMS: 503}, []string{late}},
		"others":      {[]int{500, 200, 404}, answers{ok: 1, others: 2, slowestMS: 500}, []string{other}},
		"both":        {[]int{500, 0, 0, 404}, answers{others: 2, none: 2, slowestMS: 500}, []string{late, other}},
	} {
		var calls []tencentsim.Call
		for _, status := range c.statuses {
			call := tencentsim.Call{}
			if status >= 0 {
				call.Callbacks = []tencentsim.PostedCallback{{Status: status, LatencyMS: int64(status)}}
			}
			calls = append(calls, call)
		}
		a := answersTo(calls)
		require.Equal(t, c.answers, a, name)
		var findings []string
		for _, f := range a.findings() {
			findings = append(findings, f.String())
		}
		require.Equal(t, c.findings, findings, name)
	}
}
