package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/testenv/testconfig"
	"aftercall/starter/callback"
)

func TestAnswerTimeout(t *testing.T) {
	file := t.TempDir() + "/aftercall.yaml"
	require.NoError(t, testconfig.New().Write(file))
	for value, want := range map[string]time.Duration{"": callback.DefaultAnswerTimeout, "5s": 5 * time.Second} {
		settings, cfg, err := config.Starter(map[string]string{"AFTERCALL_CONFIG": file, "AFTERCALL_ANSWER_TIMEOUT": value})
		require.NoError(t, err)
		require.Equal(t, want, limits(settings, cfg, nil).Answer)
	}
}
