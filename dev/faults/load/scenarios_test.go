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
