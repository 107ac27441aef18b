package notify

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

// sentAt is the wall clock of senders in tests, where a signature holds it.
var sentAt = time.UnixMilli(1772366405211)

// sample returns the sample event of a type.
func sample(t *testing.T, eventType EventType) Event {
	t.Helper()
	i := slices.IndexFunc(Samples(), func(e Event) bool { return e.Type == eventType })
	require.GreaterOrEqual(t, i, 0)
	return Samples()[i]
}

// request is what a provider got.
type request struct {
	method, path, query string
	header              http.Header
	body                string
}

// provider stands in for the server of a provider, and gives every request the
// same answer.
type provider struct {
	status int
	header map[string]string
	body   string
	url    string

	mu   sync.Mutex
	seen []request
}

func newProvider(t *testing.T, status int, body string) *provider {
	t.Helper()
	p := &provider{status: status, body: body}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.seen = append(p.seen, request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header, string(body)})
	}
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(p.status)
	_, _ = io.WriteString(w, p.body)
}

// only returns the one request that came.
func (p *provider) only(t *testing.T) request {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(t, p.seen, 1)
	return p.seen[0]
}

// chatOptions are options of a chat: its URL, a secret if it has one, and a text.
func chatOptions(channel Type, url, text string) Options {
	c, _ := channel.Channel()
	o := c.NewOptions()
	v := reflect.ValueOf(o).Elem()
	v.FieldByName("URL").Set(reflect.ValueOf(secret.New(url)))
	if f := v.FieldByName("Secret"); f.IsValid() {
		f.Set(reflect.ValueOf(secret.New("canary-secret")))
	}
	v.FieldByName("Text").SetString(text)
	return o
}

// newSender makes a sender that may reach this machine, for events, or for all
// that its channel can send.
func newSender(t *testing.T, o Options, events ...EventType) Sender {
	t.Helper()
	reflect.ValueOf(o).Elem().FieldByName("AllowPrivate").SetBool(true)
	if events == nil {
		i := slices.IndexFunc(channels, func(c Channel) bool { return reflect.TypeOf(c.NewOptions()) == reflect.TypeOf(o) })
		events = channels[i].Events
	}
	sender, problems := New(o, Settings{Events: events})
	require.Empty(t, problems)
	return sender
}

// requireQuery compares a query with what it must hold, and nothing else.
func requireQuery(t *testing.T, want map[string]string, query string) {
	t.Helper()
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	got := map[string]string{}
	for name := range values {
		require.Len(t, values[name], 1)
		got[name] = values.Get(name)
	}
	require.Equal(t, want, got)
}
