package contestant

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"
)

// RunBaseline serves a minimal handler until ctx ends: it reads the body, queries
// Redis once, and answers. No check for duplicates in Redis can cost less.
func RunBaseline(ctx context.Context, environ map[string]string) error {
	s, err := ReadSettings(environ)
	if err != nil {
		return err
	}
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return err
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		err := rdb.SetArgs(r.Context(), "baseline", "done", redis.SetArgs{Mode: "NX", Get: true}).Err()
		if err != nil && !errors.Is(err, redis.Nil) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		acknowledge(w)
	})
	return serve(ctx, s.Listen, mux, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}
