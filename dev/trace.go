package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"

	"aftercall/dev/docsection"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/tracereceiver"
	"aftercall/internal/tencent"
)

type traceCommand struct{}

// Run places a call on a stack of its own that sends its traces to a collector
// here, and writes the trace of the call into docs/traces.md.
func (traceCommand) Run(ctx context.Context, p project) error {
	var received tracereceiver.Receiver
	collector := httptest.NewServer(&received)
	defer collector.Close()
	o, remove, err := p.isolated(ctx, local.Dev)
	if err != nil {
		return err
	}
	o.Environ = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}
	var call tencentsim.Call
	if err := with(ctx, o, func(s *local.Stack) (err error) {
		// The first call opens the connections that the second one, which is shown, reuses.
		for _, media := range []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo} {
			if call, err = tracedCall(ctx, s, media); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	nodes := tracereceiver.Tree(received.Spans("aftercall.call_id", call.Record.CallID))
	if len(nodes) == 0 {
		return errors.New("no spans of the call were received")
	}
	chart := tracereceiver.Gantt("One call, from Tencent's callback to the webhook", nodes)
	page := filepath.Join(p.root, "docs", "traces.md")
	if err := docsection.Update(page, docsection.Section{Name: "trace", Text: "```mermaid\n" + chart + "```"}); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s\nWritten to %s\n", chart, page)
	return remove()
}

// tracedCall places a call and waits until its workflow has ended.
func tracedCall(ctx context.Context, s *local.Stack, media tencent.MediaType) (tencentsim.Call, error) {
	call, err := s.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: s.Config.Apps[0].SDKAppID, Media: media, Seconds: 130, EndedAgoSeconds: 5,
	})
	if err != nil {
		return call, err
	}
	f, err := local.Follow(ctx, s.Temporal, call)
	return call, errors.Join(err, f.Err)
}
