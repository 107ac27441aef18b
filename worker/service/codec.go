package service

import (
	"net/http"

	"github.com/gorilla/mux"

	"aftercall/internal/codec"
	"aftercall/internal/config"
)

// withCodec adds the codec endpoint to the admin listener, if a token for it is
// configured. It belongs to the worker, because the starter is reachable from
// the internet.
func withCodec(settings config.WorkerSettings, admin http.Handler) http.Handler {
	if settings.CodecToken.IsZero() {
		return admin
	}
	r := mux.NewRouter()
	r.PathPrefix(codec.PathPrefix + "/").Handler(codec.NewHandler(settings.PayloadKeys, codec.Access{
		Token: settings.CodecToken.Reveal(), Origins: settings.CodecOrigins,
	}))
	r.PathPrefix("/").Handler(admin)
	return r
}
