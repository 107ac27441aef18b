package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/tracereceiver"
	"aftercall/internal/tencent"
)

type traceCommand struct{}

// Run follows one call with a collector of traces on a stack of its own, and
// draws what the collector was told.
func (traceCommand) Run(ctx context.Context, p project) error {
	var received tracereceiver.Receiver
	collector := httptest.NewServer(&received)
	defer collector.Close()
	o, remove, err := p.isolated(ctx)
	if err != nil {
		return err
	}
	o.Environ = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}
	var call tencentsim.Call
	if err := with(ctx, o, func(s *local.Stack) error {
		// The first call makes the connections that later ones find.
		for _, media := range []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo} {
			var err error
			if call, err = s.Tencent.PlaceCall(tencentsim.CallSpec{
				SDKAppID: s.Config.Apps[0].SDKAppID, Media: media, Seconds: 130, EndedAgoSeconds: 5,
			}); err != nil {
				return err
			}
			f, err := local.Follow(ctx, s.Temporal, call)
			if err := errors.Join(err, f.Err); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	nodes := tracereceiver.Tree(received.Spans("aftercall.call_id", call.Record.CallID))
	for _, n := range nodes {
		fmt.Fprintf(p.out, "%-60s %8.1f ms  %s\n", strings.Repeat("  ", n.Depth)+n.Name, n.End.Sub(n.Start).Seconds()*1000, n.Service)
	}
	var picture bytes.Buffer
	if err := tracereceiver.SVG(&picture, "One call, from Tencent's callback to the webhook", nodes); err != nil {
		return err
	}
	path := filepath.Join(p.root, "docs", "images", "trace.svg")
	if err := os.WriteFile(path, picture.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "drew", path)
	return remove()
}
