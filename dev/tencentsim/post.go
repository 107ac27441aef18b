package tencentsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// maxAnswerSize is how many bytes of the answer to a callback are kept.
const maxAnswerSize = 16 << 10

// clientIP is the ClientIP of callbacks, from the range reserved for documentation.
const clientIP = "203.0.113.17"

// PostedCallback is one POST of a callback, and the answer. It does not contain the
// URL, which contains the receiver's secret.
type PostedCallback struct {
	Command tencent.Command `json:"command"`
	// Number counts the POSTs of this command for this call from 1.
	Number int       `json:"number"`
	SentAt time.Time `json:"sent_at"`
	// LatencyMS is the time until the answer, or until the request failed.
	LatencyMS int64 `json:"latency_ms"`
	// Status is the HTTP status, or 0 without an answer; then Error is the reason.
	Status int             `json:"status"`
	Answer string          `json:"answer,omitempty"`
	Error  string          `json:"error,omitempty"`
	Body   json.RawMessage `json:"body"`
}

// newCallbackClient returns a client that follows no redirects. Tencent does
// not document whether it does.
func newCallbackClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// postCopy posts one copy to the URL that is configured now.
func (s *Simulator) postCopy(j *job, number int) {
	body, err := j.body(number)
	if err != nil {
		s.log.Error("callback not built", "command", j.command, "error", err)
		return
	}
	cfg, ok := s.Callback(j.call.app)
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sent.Unconfigured++
		return
	}
	target, err := s.callbackURL(cfg.URL, j)
	if err != nil {
		s.log.Error("callback has no usable URL", "command", j.command)
		return
	}
	start := s.wall()
	status, answer, err := s.post(target, body)
	d := PostedCallback{
		Command: j.command, SentAt: start.UTC(), LatencyMS: s.wall().Sub(start).Milliseconds(),
		Status: status, Answer: answer, Body: body,
	}
	if err != nil {
		d.Error = err.Error()
	}
	s.record(j.call, d)
}

// record stores a posted callback. They are numbered in the order of their answers.
func (s *Simulator) record(c *call, d PostedCallback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Number = 1
	for _, earlier := range c.callbacks {
		if earlier.Command == d.Command {
			d.Number++
		}
	}
	c.callbacks = append(c.callbacks, d)
	s.sent.Posted++
	if d.Status == 0 {
		s.sent.Failed++
		return
	}
	if s.sent.Answers == nil {
		s.sent.Answers = map[int]int{}
	}
	s.sent.Answers[d.Status]++
}

// body returns the body of copy number n. It needs no lock: it reads only what
// never changes.
func (j *job) body(n int) ([]byte, error) {
	record := j.call.record
	record.Members = slices.Clone(record.Members)
	switch j.command {
	case tencent.CommandAfterStartCall:
		return startCallBody(record)
	case tencent.CommandAfterMemberChanged:
		return j.bodies[n-1], nil
	default: // the end of the call
	}
	spec := j.call.spec
	later := spec.LaterCallback
	if n == 1 {
		later = nil
	}
	laid, err := overlay(record, spec.Callback, later, j.override)
	if err != nil {
		return nil, err
	}
	body, err := endCallBody(laid, j.call.endedAt.UnixMilli())
	if err != nil {
		return nil, err
	}
	return applyAll(body, spec.OddCallback)
}

// callbackURL adds Tencent's query to the configured URL. D:68940
func (s *Simulator) callbackURL(configured string, j *job) (string, error) {
	u, err := url.Parse(configured)
	if err != nil {
		return "", err
	}
	query := []string{
		"SdkAppid=" + j.call.app.String(),
		"CallbackCommand=" + url.QueryEscape(string(j.command)),
		"contenttype=json",
		"ClientIP=" + clientIP,
		"OptPlatform=iOS",
	}
	if token := s.apps[j.call.app].CallbackToken; token != "" {
		at := strconv.FormatInt(s.wall().Unix(), 10)
		query = append(query, "Sign="+tencent.CallbackSign(token, at), "RequestTime="+at)
	}
	if u.RawQuery != "" {
		query = slices.Insert(query, 0, u.RawQuery)
	}
	u.RawQuery = strings.Join(query, "&")
	return u.String(), nil
}

// post makes one request. A POST in progress outlives Close, but not the time
// for its answer.
func (s *Simulator) post(target string, body []byte) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, "", withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, "", withoutURL(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize))
	return resp.StatusCode, string(data), withoutURL(err)
}

// withoutURL removes the URL from an error of net/http: it contains the
// receiver's secret, and PostedCallbacks are displayed.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}
