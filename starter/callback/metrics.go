package callback

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	dto "github.com/prometheus/client_model/go"

	"aftercall/internal/presence"
)

// outcome says how a callback ended, as a label of its metrics.
type outcome string

const (
	outcomeStarted     outcome = "started"
	outcomeDuplicate   outcome = "duplicate"
	outcomeIgnored     outcome = "ignored"
	outcomeRelayed     outcome = "relayed"
	outcomeProbe       outcome = "probe"
	outcomeRefused     outcome = "refused"
	outcomeUnavailable outcome = "unavailable"
	outcomeThrottled   outcome = "throttled"
	outcomeKept        outcome = "kept"
)

// relayOutcome says how the start of a relay ended, as a label of its metric.
type relayOutcome string

const (
	relayStarted   relayOutcome = "started"
	relayDuplicate relayOutcome = "duplicate"
	relayFailed    relayOutcome = "failed"
	relayThrottled relayOutcome = "throttled"
)

type metrics struct {
	callbacks  *prometheus.CounterVec
	unaccepted *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	conflicts  *prometheus.CounterVec
	dropped    *prometheus.CounterVec
	old        *prometheus.CounterVec
	relays     *prometheus.CounterVec
	// rooms and events are nil unless evidence is kept.
	rooms  *prometheus.CounterVec
	events *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	return &metrics{
		callbacks: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_callbacks_total",
			Help: "Callbacks by app (empty if not known), outcome (started, duplicate, kept, relayed, ignored, probe, refused, throttled, unavailable) and HTTP status.",
		}, []string{"app", "outcome", "status"}),
		unaccepted: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_calls_unaccepted_total",
			Help: "Calls whose callbacks were all answered 503 and that were not accepted within 30 s, by app.",
		}, []string{"app"}),
		duration: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "aftercall_callback_duration_seconds",
			Help:    "Time from a callback's arrival to its answer, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2},
		}, []string{"outcome"}),
		conflicts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_callback_conflicts_total",
			Help: "Duplicate callbacks whose CallRecord differs from that of the first one, by app.",
		}, []string{"app"}),
		dropped: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_callback_fields_dropped_total",
			Help: "Fields of accepted callbacks that could not be read and were left out of the hint, by app and field; the record decides.",
		}, []string{"app", "field"}),
		old: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_callback_old_credentials_total",
			Help: "Callbacks with the old one of two secrets, or signed with the old one of two tokens or room keys, by app and credential: secret, token, room_key.",
		}, []string{"app", "credential"}),
		relays: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_relays_total",
			Help: "Callbacks to relay to the app's own backend, by app and outcome of starting the workflow: started, duplicate, throttled, failed.",
		}, []string{"app", "outcome"}),
	}
}

// addApp creates the series of an app that alerts watch, so that an increase
// from zero is visible.
func (m *metrics) addApp(app string, relays bool) {
	for outcome, status := range map[outcome]int{
		outcomeStarted: http.StatusOK, outcomeDuplicate: http.StatusOK, outcomeUnavailable: http.StatusServiceUnavailable,
		outcomeRefused: http.StatusBadRequest, outcomeThrottled: http.StatusTooManyRequests,
	} {
		m.callbacks.WithLabelValues(app, string(outcome), strconv.Itoa(status))
	}
	if relays {
		m.relays.WithLabelValues(app, string(relayThrottled))
	}
	m.conflicts.WithLabelValues(app)
	m.old.WithLabelValues(app, "secret")
	m.old.WithLabelValues(app, "token")
	m.unaccepted.WithLabelValues(app)
}

func (m *metrics) replied(r reply, duration time.Duration) {
	if r.room {
		m.rooms.WithLabelValues(r.app, string(r.outcome), strconv.Itoa(r.status)).Inc()
		return
	}
	m.callbacks.WithLabelValues(r.app, string(r.outcome), strconv.Itoa(r.status)).Inc()
	m.duration.WithLabelValues(string(r.outcome)).Observe(duration.Seconds())
}

// The outcomes of Answers that are not those of an accepted callback.
const (
	AnswerRefused     = string(outcomeRefused)
	AnswerUnavailable = string(outcomeUnavailable)
	AnswerProbe       = string(outcomeProbe)
	// AnswerConflict counts duplicates that differ from the first callback, once more.
	AnswerConflict = "conflict"
)

// Answers counts the callbacks since the start by how they were answered, and the
// conflicts among them once more. It reads the metrics, so that no callback counts twice.
func (h *Handler) Answers() map[presence.Answer]int64 {
	answers := map[presence.Answer]int64{}
	each(h.metrics.callbacks, func(labels map[string]string, count float64) {
		status, _ := strconv.Atoi(labels["status"]) // which is a number
		answers[presence.Answer{App: labels["app"], Outcome: labels["outcome"], Status: status}] = int64(count)
	})
	each(h.metrics.conflicts, func(labels map[string]string, count float64) {
		answers[presence.Answer{App: labels["app"], Outcome: AnswerConflict, Status: http.StatusOK}] = int64(count)
	})
	return answers
}

// each calls do for each series of a counter.
func each(counter *prometheus.CounterVec, do func(labels map[string]string, count float64)) {
	series := make(chan prometheus.Metric)
	go func() {
		counter.Collect(series)
		close(series)
	}()
	for metric := range series {
		var m dto.Metric
		if metric.Write(&m) != nil { // a counter that its library made: not expected
			continue
		}
		labels := map[string]string{}
		for _, label := range m.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		do(labels, m.GetCounter().GetValue())
	}
}
