package service

import (
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"aftercall/internal/codec"
	"aftercall/internal/config"
)

// withCodec adds the codec endpoint to the admin listener, if a token for it is
// configured. It belongs to the worker, because the starter is reachable from
// the internet.
func withCodec(settings config.WorkerSettings, admin http.Handler, reg prometheus.Registerer, logger *slog.Logger) http.Handler {
	if settings.CodecToken.IsZero() {
		return admin
	}
	r := mux.NewRouter()
	r.PathPrefix(codec.PathPrefix + "/").Handler(codec.NewHandler(settings.PayloadKeys, codec.Access{
		Token: settings.CodecToken.Reveal(), Origins: settings.CodecOrigins,
	}, reg, logger))
	r.PathPrefix("/").Handler(admin)
	return r
}
