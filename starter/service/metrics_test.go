package service

import (
	"context"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"aftercall/internal/testenv"
)

func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	testenv.RequireDocumentedMetrics(t, "The starter", func(ctx context.Context, environ map[string]string, reg *prometheus.Registry) error {
		return run(ctx, environ, io.Discard, reg)
	})
}
