package temporalclient

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

func TestMessagesOfFailuresAreNotLogged(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(messageHider{slog.NewTextHandler(&out, nil)})
	err := fmt.Errorf("x: %w", temporal.NewApplicationError("planted", "RecordAPIRefused"))
	logger.Error("Activity error.", "Attempt", 2, "Error", err)
	logger.With("Error", err).WithGroup("g").Warn("again", "Error", err)
	require.NotContains(t, out.String(), "planted")
	require.Contains(t, out.String(), `Attempt=2 Error="RecordAPIRefused (its message`)
	require.Contains(t, out.String(), `g.Error="RecordAPIRefused`)

	logger.Error("network", "error", errors.New("connection refused"))
	require.Contains(t, out.String(), `error="connection refused"`)
}
