package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"aftercall/activities"
	"aftercall/dev/local"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// relayedApp is the app that has a relay while histories are recorded.
const relayedApp tencent.SDKAppID = 1400000001

// relayBackend is an app's own backend. It can fail the next callback.
type relayBackend struct {
	server   http.Server
	url      string
	failNext atomic.Bool
}

func startRelayBackend(ctx context.Context) (*relayBackend, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &relayBackend{url: "http://" + listener.Addr().String() + "/calls"}
	b.server.ReadHeaderTimeout = time.Second
	b.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if b.failNext.Swap(false) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

// withRelay writes the configuration of the stack with a relay to b of the
// command that is registered anyway, with rooms that are received, and with calls
// without a record that are charged by evidence, and makes the stack of o use it.
func (b *relayBackend) withRelay(o *local.Options) error {
	yaml, err := os.ReadFile(filepath.Join(o.Root, "dev", "aftercall.yaml"))
	if err != nil {
		return err
	}
	text := string(yaml)
	for tariff, keys := range map[string]string{
		"    tariff: lessons\n": "    relay: {url: \"" + b.url + "\", commands: [Call.CallbackAfterEndCall], allow_private: true}\n" +
			"    evidence: {room_key: KeyOfRecordedRooms}\n",
		"    tariff: seminars\n": "    without_record: evidence\n    record_deadline: 10s\n",
	} {
		if !strings.Contains(text, tariff) {
			return errors.New("dev/aftercall.yaml has no app with the line " + strings.TrimSpace(tariff))
		}
		text = strings.Replace(text, tariff, tariff+keys, 1)
	}
	path := filepath.Join(o.Dir, "aftercall.yaml")
	o.Environ = map[string]string{"AFTERCALL_CONFIG": path}
	return os.WriteFile(path, []byte(text), 0o600)
}

// recordRelay records the relay of a callback that the backend takes at once,
// and of one that it takes at the second attempt.
func recordRelay(ctx context.Context, p project, s *local.Stack, b *relayBackend) error {
	calls := launch.NewCalls(s.Temporal, "aftercall")
	for name, fails := range map[string]bool{"relay": false, "relay fails once": true} {
		b.failNext.Store(fails)
		params := activities.RelayCallbackParams{
			SDKAppID: relayedApp, App: "tutoring", Command: tencent.CommandAfterStartCall, CallID: name,
			Query: "CallbackCommand=" + string(tencent.CommandAfterStartCall), ContentType: "application/json", Body: []byte(`{"CallId":"` + name + `"}`),
		}
		if _, err := calls.StartRelay(ctx, params); err != nil {
			return err
		}
		id := workflows.RelayID(params)
		if err := s.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
			return err
		}
		if err := write(ctx, p, s, name, id); err != nil {
			return err
		}
	}
	return nil
}
