package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTemplatesHaveATimeLimit has a loop that writes nothing, which the limit of
// the text's length does not end. It takes some seconds at most.
func TestTemplatesHaveATimeLimit(t *testing.T) {
	t.Parallel()
	s := &setup{templateTime: time.Millisecond}
	s.message("text", "{{ range 3000000 }}{{ end }}x", "", TextOptions{}, plain, 0)
	require.Equal(t, []Problem{{Key: "text", Message: "takes more than 1ms: a message is written in milliseconds, so leave its loops out"}}, s.problems)
}
