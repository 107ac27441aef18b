package codec

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/time/rate"
)

// refusals counts and logs the requests without the token. Whoever guesses does
// not flood the log.
type refusals struct {
	total  prometheus.Counter
	sparse *rate.Sometimes
	logger *slog.Logger
}

func newRefusals(reg prometheus.Registerer, logger *slog.Logger) *refusals {
	return &refusals{
		total: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "aftercall_codec_refused_total",
			Help: "Requests to the codec endpoint without its token, or with a wrong one.",
		}),
		sparse: &rate.Sometimes{First: 3, Interval: time.Minute}, logger: logger,
	}
}

func (f *refusals) add(r *http.Request) {
	f.total.Inc()
	f.sparse.Do(func() {
		sender, _, _ := net.SplitHostPort(r.RemoteAddr)
		f.logger.Warn("a request to the codec endpoint has no token, or a wrong one", "path", r.URL.Path, "sender", sender)
	})
}
