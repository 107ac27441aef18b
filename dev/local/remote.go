package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/codec"
	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

// Remote is a stack that runs in another process on this machine.
type Remote struct {
	Temporal client.Client
	info     Info
	http     *http.Client
}

// Connect connects to the stack whose state is in dir.
func Connect(dir string) (*Remote, error) {
	info, err := ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	encryption, _, err := ReadEncryption(dir)
	if err != nil {
		return nil, err
	}
	c, _, err := temporalclient.NewClient(temporalclient.Environment{
		"TEMPORAL_ADDRESS": address(info.Ports.Temporal), codec.Variable: encryption.Keys,
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return &Remote{Temporal: c, info: info, http: &http.Client{Timeout: startTimeout}}, nil
}

// Info describes the stack.
func (r *Remote) Info() Info { return r.info }

// Close closes the connection; the stack keeps running.
func (r *Remote) Close() { r.Temporal.Close() }

// Place simulates a call that has ended.
func (r *Remote) Place(ctx context.Context, spec tencentsim.CallSpec) (tencentsim.Call, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return tencentsim.Call{}, fmt.Errorf("the call: %w", err)
	}
	return r.ask(ctx, http.MethodPost, "/control/calls", body)
}

// Call returns a call with its callbacks so far.
func (r *Remote) Call(ctx context.Context, call tencentsim.Call) (tencentsim.Call, error) {
	return r.ask(ctx, http.MethodGet, "/control/calls/"+url.PathEscape(call.Record.CallID)+"?sdk_app_id="+call.SDKAppID.String(), nil)
}

func (r *Remote) ask(ctx context.Context, method, path string, body []byte) (call tencentsim.Call, err error) {
	req, err := http.NewRequestWithContext(ctx, method, httpURL(r.info.Ports.Tencent)+path, bytes.NewReader(body))
	if err != nil {
		return call, err
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return call, fmt.Errorf("the Tencent simulator does not answer; is the stack still running? %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return call, fmt.Errorf("the Tencent simulator: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		var failure struct{ Error string }
		if err := json.Unmarshal(answer, &failure); err != nil {
			return call, fmt.Errorf("the Tencent simulator answered %d", resp.StatusCode)
		}
		return call, fmt.Errorf("the Tencent simulator: %s", failure.Error)
	}
	return call, json.Unmarshal(answer, &call)
}

// Link returns the URL of a workflow's page in the Web UI.
func (r *Remote) Link(f Execution) string { return link(r.info.Ports, f) }

// WorkflowID returns the ID of a call's workflow.
func WorkflowID(call tencentsim.Call) string {
	return workflows.AfterCallID(call.SDKAppID, call.Record.CallID)
}

// link returns the URL of a workflow's page, of the latest run if f has no RunID.
func link(p Ports, f Execution) string {
	return temporalclient.WorkflowURL(httpURL(p.TemporalUI), client.DefaultNamespace, f.WorkflowID, f.RunID)
}
