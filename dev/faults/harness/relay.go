package main

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/tencent"
)

// relayPath is where the backend is of the app that relays its callbacks, which is
// clinic.
const relayPath = "/backend"

// backend is the app's own, which gets Tencent's callbacks as they are.
type backend struct {
	mu sync.Mutex
	// failure is the answer as long as it is not empty.
	failure webhookreceiver.Failure
	// accepted counts the callbacks that were accepted, by relayKey.
	accepted map[string]int
}

func newBackend() *backend { return &backend{accepted: map[string]int{}} }

func (b *backend) fail(f webhookreceiver.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = f
}

// ServeHTTP implements http.Handler.
func (b *backend) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	b.mu.Lock()
	failure := b.failure
	if err == nil && failure == (webhookreceiver.Failure{}) {
		b.accepted[relayKey(r.URL.RawQuery, body)]++
	}
	b.mu.Unlock()
	if wait(r.Context(), time.Duration(failure.DelayMS)*time.Millisecond) != nil || failure.Reset {
		panic(http.ErrAbortHandler) // which closes the connection
	}
	if failure.RetryAfter != "" {
		rw.Header().Set("Retry-After", failure.RetryAfter)
	}
	if failure.Status != 0 {
		rw.WriteHeader(failure.Status)
	}
}

func relayKey(query string, body []byte) string { return query + "\n" + string(body) }

// postedQuery is the query with which simulated Tencent posts a callback of an app
// without a token for signatures.
func postedQuery(app tencent.SDKAppID, command tencent.Command) string {
	return "SdkAppid=" + app.String() + "&CallbackCommand=" + url.QueryEscape(string(command)) + "&contenttype=json&ClientIP=203.0.113.17&OptPlatform=iOS"
}

// relays are the callbacks of the app that relays them. One that is not about the end of
// a call is answered OK only once it is sure to be relayed. While Tencent posts some it
// is not known yet which ones.
func (b *backend) relays(calls []tencentsim.Call, posting bool) (all []checker.Relay) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := map[string]int{}
	for _, call := range calls {
		if call.SDKAppID != clinic {
			continue
		}
		for _, p := range call.Callbacks {
			key := relayKey(postedQuery(clinic, p.Command), p.Body)
			i, known := at[key]
			if !known {
				i, at[key] = len(all), len(all)
				all = append(all, checker.Relay{App: nameOf(clinic), CallID: call.Record.CallID, Command: string(p.Command), Posted: true, Accepted: b.accepted[key]})
			}
			all[i].Promised = all[i].Promised || (p.Status == http.StatusOK && p.Command != tencent.CommandAfterEndCall)
		}
	}
	for key, accepted := range b.accepted {
		if _, posted := at[key]; !posted && !posting {
			all = append(all, checker.Relay{Accepted: accepted})
		}
	}
	return all
}

// relays gathers the callbacks that were to be relayed.
func (w *world) relays() []checker.Relay {
	posting := w.stack.Tencent.Stats().Callbacks.Pending > 0 // before those that were posted are read
	return w.receivers.backend.relays(w.stack.Tencent.Calls(), posting)
}

// aboutTheEnd are the callbacks that are about the end of a call.
func aboutTheEnd(posted []tencentsim.PostedCallback) []tencentsim.PostedCallback {
	return slices.DeleteFunc(slices.Clone(posted), func(p tencentsim.PostedCallback) bool { return p.Command != tencent.CommandAfterEndCall })
}
