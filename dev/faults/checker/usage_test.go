package checker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUsages(t *testing.T) {
	for name, tt := range map[string]struct {
		usage Usage
		want  string
	}{
		"a few more goroutines":  {Usage{"worker", Goroutines, 100, 125}, ""},
		"many more goroutines":   {Usage{"worker", Goroutines, 100, 126}, "leaked: worker: 126 goroutines, 100 before the first fault, and at most 125 are allowed"},
		"fewer goroutines":       {Usage{"worker", Goroutines, 100, 20}, ""},
		"a pool of connections":  {Usage{"redis", Connections, 2, 22}, ""},
		"too many connections":   {Usage{"redis", Connections, 2, 23}, "leaked: redis: 23 connections, 2 before the first fault, and at most 22 are allowed"},
		"a warm heap":            {Usage{"worker", Heap, 8 << 20, 18 << 20}, ""},
		"a heap that has grown":  {Usage{"worker", Heap, 8 << 20, 19 << 20}, "leaked: worker: 19922944 bytes of heap, 8388608 before the first fault, and at most 18874368 are allowed"},
		"files that stayed open": {Usage{"starter", OpenFiles, 10, 27}, "leaked: starter: 27 open files, 10 before the first fault, and at most 26 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			findings := Check(Evidence{Usages: []Usage{tt.usage}})
			if tt.want == "" {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			require.Equal(t, tt.want, findings[0].String())
		})
	}
}
