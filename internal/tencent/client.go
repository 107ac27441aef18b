package tencent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/untrusted"
)

// maxAnswerSize limits the answer in bytes. A page of records is far smaller.
const maxAnswerSize = 8 << 20

// The paths of the REST API.
const (
	pathRecordByCallID = "v4/call_record_http_srv/get_record_by_callid"
	pathSetCallback    = "v4/call_config/set_callback"
	pathGetCallback    = "v4/call_config/get_callback"
	pathDeleteCallback = "v4/call_config/delete_callback"
)

// APIError is an answer of the REST API that reports an error.
type APIError struct {
	API       string
	Code      Code
	Info      string
	RequestID string // Tencent's support asks for it
}

// Error returns the code, Tencent's message and the request ID.
func (e *APIError) Error() string {
	return fmt.Sprintf("%s answered %d (%s), RequestId %s", e.API, e.Code, e.Info, e.RequestID)
}

// CallbackConfig configures where Tencent posts which callbacks of an app. D:68937
type CallbackConfig struct {
	URL      string    `json:"Url"`
	Commands []Command `json:"CallbackCommandList"`
}

// Client is a client of the v4 REST API for one SDKAppID. Each method makes one
// attempt, or two if Tencent reports that the UserSig has expired; other errors
// are for the caller to retry. A Client is safe for concurrent use.
type Client struct {
	app     SDKAppID
	base    string
	signer  *Signer
	http    *http.Client
	limiter Limiter
	observe func(api string, code Code, duration time.Duration)
}

// ClientOptions configure a Client.
type ClientOptions struct {
	SDKAppID SDKAppID
	// BaseURL is https://<domain>, see Regions.
	BaseURL string
	// Identifier is an App administrator, SecretKey the app's SDKSecretKey from the
	// Tencent RTC console.
	Identifier string
	SecretKey  string
	// HTTP may be shared by the clients of several apps; see NewHTTPClient.
	HTTP *http.Client
	// Now is the time of signatures, time.Now if it is nil.
	Now func() time.Time
	// Limiter, if set, limits the rate of requests.
	Limiter Limiter
	// Observe, if set, is called after every request. Without an answer that could
	// be read, the code is CodeTransport.
	Observe func(api string, code Code, duration time.Duration)
}

// CodeTransport is used in place of an error code if no code was received.
const CodeTransport Code = -1

// NewClient returns a client for one app.
func NewClient(o ClientOptions) *Client {
	observe := o.Observe
	if observe == nil {
		observe = func(string, Code, time.Duration) {}
	}
	return &Client{
		app:     o.SDKAppID,
		base:    strings.TrimSuffix(o.BaseURL, "/"),
		signer:  NewSigner(o.SDKAppID, o.SecretKey, o.Identifier, o.Now),
		http:    o.HTTP,
		limiter: o.Limiter,
		observe: observe,
	}
}

// Record returns the record of a call that has ended. Tencent provides it from
// five seconds to seven days after the end; before and after that, the error is
// an *APIError with CodeRecordNotFound. A record that exists but cannot be read
// completely is an *UnreadableRecordError. D:68930
func (c *Client) Record(ctx context.Context, callID string) (CallRecord, error) {
	answer, err := c.do(ctx, pathRecordByCallID, map[string]string{"CallId": callID})
	if err != nil {
		return CallRecord{}, err
	}
	record, problems, raw := decodeRecordResponse(answer.response, callID)
	if len(problems) > 0 {
		return CallRecord{}, &UnreadableRecordError{
			API: pathRecordByCallID, RequestID: answer.shownID(), Record: record, Problems: problems, Raw: answer.shown(raw),
		}
	}
	return record, nil
}

// decodeRecordResponse decodes the record of callID in a response. raw is what a
// person should see if there are problems.
func decodeRecordResponse(response []byte, callID string) (record CallRecord, problems []FieldError, raw []byte) {
	only := CallRecord{CallID: callID}
	object, err := decodeObject(response)
	if err != nil {
		return only, []FieldError{{"Response", "must be an object" + butIs(response)}}, response
	}
	value, problem := object.value("CallRecord")
	if problem == "" && jsonKind(value) != "object" {
		problem = "must be an object" + butIs(value)
	}
	if problem != "" {
		return only, []FieldError{{"CallRecord", problem}}, response
	}
	record, problems = DecodeRecord(value)
	switch record.CallID {
	case callID:
	case "":
		if !hasProblem(problems, "CallId") {
			problems = append(problems, FieldError{"CallId", "must not be empty"})
		}
		record.CallID = callID
	default: // none of its fields belong to this call
		return only, append(problems, FieldError{"CallId", "is that of another call"}), value
	}
	return record, problems, value
}

// SetCallback configures the callbacks of the app. Tencent overwrites the earlier
// configuration without a warning: read it with Callback first. D:68938
func (c *Client) SetCallback(ctx context.Context, cfg CallbackConfig) error {
	_, err := c.do(ctx, pathSetCallback, cfg)
	return err
}

// Callback returns the callback configuration of the app. The error is an
// *APIError with CodeNoCallback if there is none. D:68937
func (c *Client) Callback(ctx context.Context) (CallbackConfig, error) {
	answer, err := c.do(ctx, pathGetCallback, struct{}{})
	if err != nil {
		return CallbackConfig{}, err
	}
	var cfg CallbackConfig
	if err := json.Unmarshal(answer.response, &cfg); err != nil {
		return CallbackConfig{}, &UnreadableAnswerError{API: pathGetCallback, RequestID: answer.shownID(), Problem: *fieldError("Response", err)}
	}
	return cfg, nil
}

// DeleteCallback deletes the callback configuration of the app, so that Tencent
// posts no more callbacks. D:68939
func (c *Client) DeleteCallback(ctx context.Context) error {
	_, err := c.do(ctx, pathDeleteCallback, struct{}{})
	return err
}

// do makes one request, and a second one immediately if the UserSig has expired.
func (c *Client) do(ctx context.Context, api string, request any) (answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer{}, fmt.Errorf("%s: encode request: %w", api, err)
	}
	for first := true; ; first = false {
		sig, err := c.signer.UserSig()
		if err != nil {
			return answer{}, fmt.Errorf("%s: %w", api, err)
		}
		if err := c.waitForLimiter(ctx); err != nil {
			return answer{}, fmt.Errorf("%s: %w", api, err)
		}
		start := time.Now()
		answer, err := c.post(ctx, api, sig, body)
		answer.sig, err = sig, withoutSecrets(err, sig)
		c.observe(api, errorCode(err), time.Since(start))
		c.reportThrottling(ctx, err)
		if errorCode(err).Action() != ActionRenewSig || !first {
			return answer, err
		}
		c.signer.Drop(sig)
	}
}

// errorCode returns the error code in err: CodeOK without an error, CodeTransport
// for an error without a code.
func errorCode(err error) Code {
	var apiErr *APIError
	switch {
	case err == nil:
		return CodeOK
	case errors.As(err, &apiErr):
		return apiErr.Code
	default:
		return CodeTransport
	}
}

func (c *Client) post(ctx context.Context, api, sig string, body []byte) (answer, error) {
	query := url.Values{
		"sdkappid":    {c.app.String()},
		"identifier":  {c.signer.identifier},
		"usersig":     {sig},
		"random":      {strconv.FormatUint(uint64(rand.Uint32()), 10)},
		"contenttype": {"json"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+api+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", api, withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", api, withoutURL(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize+1))
	if err != nil {
		return answer{}, fmt.Errorf("%s: read answer: %w", api, err)
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, &HTTPError{API: api, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	}
	if len(data) > maxAnswerSize {
		return answer{}, &UnreadableAnswerError{API: api, Problem: FieldError{"Response", fmt.Sprintf("must not be larger than %d bytes", maxAnswerSize)}}
	}
	return decodeAnswer(api, data)
}

// withoutSecrets makes an error safe to log: what Tencent, or a proxy in between,
// sent may repeat the request with its UserSig.
func withoutSecrets(err error, sig string) error {
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		apiErr.Info, apiErr.RequestID = untrusted.Text(apiErr.Info, sig), untrusted.Text(apiErr.RequestID, sig)
		return err
	}
	return untrusted.Error(err, sig)
}

// withoutURL removes the URL from an error of net/http. The query contains a
// UserSig, which gives full administrator rights, and errors are logged.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}
