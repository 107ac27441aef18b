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
)

// Regions are the presets for the base URL of the REST API. A wrong one is
// answered with 60026. D:68926
var Regions = map[string]string{
	"china":          "https://console.tim.qq.com",
	"singapore":      "https://adminapisgp.im.qcloud.com",
	"seoul":          "https://adminapikr.im.qcloud.com",
	"frankfurt":      "https://adminapiger.im.qcloud.com",
	"silicon-valley": "https://adminapiusa.im.qcloud.com",
	"jakarta":        "https://adminapiidn.im.qcloud.com",
}

// RequestTimeout is how long one HTTP request may take. Tencent's backend
// gives up after 3 s, so anything shorter would cut answers off.
const RequestTimeout = 5 * time.Second

// maxAnswerSize bounds what is read of an answer; a page of records is far smaller.
const maxAnswerSize = 8 << 20

// The paths of the REST API.
const (
	pathRecordByCallID = "v4/call_record_http_srv/get_record_by_callid"
	pathSetCallback    = "v4/call_config/set_callback"
	pathGetCallback    = "v4/call_config/get_callback"
	pathDeleteCallback = "v4/call_config/delete_callback"
)

// APIError is an answer of the REST API that is not OK.
type APIError struct {
	API       string
	Code      Code
	Info      string
	RequestID string // what Tencent's support asks for
}

// Error gives the code, Tencent's words and the request ID.
func (e *APIError) Error() string {
	return fmt.Sprintf("%s answered %d (%s), RequestId %s", e.API, e.Code, e.Info, e.RequestID)
}

// CallbackConfig is where Tencent posts the callbacks of an app. D:68937
type CallbackConfig struct {
	URL      string    `json:"Url"`
	Commands []Command `json:"CallbackCommandList"`
}

// Client asks the v4 REST API of one SDKAppID. It makes one attempt per call
// (two when Tencent reports an expired UserSig): retrying is the caller's
// business. It is safe for concurrent use.
type Client struct {
	app     SDKAppID
	base    string
	signer  *Signer
	http    *http.Client
	limiter Limiter
	observe func(api string, code Code, took time.Duration)
}

// ClientOptions configure a Client.
type ClientOptions struct {
	SDKAppID SDKAppID
	// BaseURL is https://<domain>, see Regions.
	BaseURL string
	// Identifier is an App administrator, SecretKey the app's key from the console.
	Identifier string
	SecretKey  string
	// HTTP may be shared by the clients of several apps; see NewHTTPClient.
	HTTP *http.Client
	// Limiter, if set, is asked before every request.
	Limiter Limiter
	// Observe, if set, hears of every answer. A transport error has code -1.
	Observe func(api string, code Code, took time.Duration)
}

// CodeTransport is what Observe is told when no code was received at all.
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
		signer:  NewSigner(o.SDKAppID, o.SecretKey, o.Identifier),
		http:    o.HTTP,
		limiter: o.Limiter,
		observe: observe,
	}
}

// NewHTTPClient returns an HTTP client fit for the REST API: keep-alive
// connections for maxConcurrent requests, RequestTimeout, no redirects (the
// query carries a UserSig).
func NewHTTPClient(maxConcurrent int) *http.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConns:          maxConcurrent,
		MaxIdleConnsPerHost:   maxConcurrent,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   RequestTimeout,
		ForceAttemptHTTP2:     true,
		ExpectContinueTimeout: time.Second,
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       RequestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Record reads the record of an ended call. Tencent promises it five seconds
// after the end and keeps it for seven days; outside of that the error is an
// *APIError with CodeRecordNotFound. D:68930
func (c *Client) Record(ctx context.Context, callID string) (CallRecord, error) {
	var response struct{ CallRecord CallRecord }
	if err := c.do(ctx, pathRecordByCallID, map[string]string{"CallId": callID}, &response); err != nil {
		return CallRecord{}, err
	}
	if response.CallRecord.CallID != callID {
		return CallRecord{}, fmt.Errorf("%s: the answer is about another CallId", pathRecordByCallID)
	}
	return response.CallRecord, nil
}

// SetCallback registers where callbacks go. It overwrites silently what was
// registered before, so read first. D:68938
func (c *Client) SetCallback(ctx context.Context, cfg CallbackConfig) error {
	return c.do(ctx, pathSetCallback, cfg, nil)
}

// Callback reads where callbacks go; an *APIError with CodeNoCallback means
// that none is configured. D:68937
func (c *Client) Callback(ctx context.Context) (CallbackConfig, error) {
	var cfg CallbackConfig
	err := c.do(ctx, pathGetCallback, struct{}{}, &cfg)
	return cfg, err
}

// DeleteCallback ends all callbacks of the app, whoever registered them. D:68939
func (c *Client) DeleteCallback(ctx context.Context) error {
	return c.do(ctx, pathDeleteCallback, struct{}{}, nil)
}

// do makes one request, and a second one at once when the UserSig had expired.
func (c *Client) do(ctx context.Context, api string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: encode request: %w", api, err)
	}
	for first := true; ; first = false {
		sig, err := c.signer.UserSig()
		if err != nil {
			return fmt.Errorf("%s: %w", api, err)
		}
		if err := c.admitted(ctx); err != nil {
			return fmt.Errorf("%s: %w", api, err)
		}
		start := time.Now()
		err = c.post(ctx, api, sig, body, response)
		c.observe(api, codeOf(err), time.Since(start))
		c.slowDown(ctx, err)
		if codeOf(err).Action() != ActionRenewSig || !first {
			return err
		}
		c.signer.Drop(sig)
	}
}

func codeOf(err error) Code {
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

func (c *Client) post(ctx context.Context, api, sig string, body []byte, into any) error {
	query := url.Values{
		"sdkappid":    {c.app.String()},
		"identifier":  {c.signer.identifier},
		"usersig":     {sig},
		"random":      {strconv.FormatUint(uint64(rand.Uint32()), 10)},
		"contenttype": {"json"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+api+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", api, withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", api, withoutURL(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", api, err)
	}
	if resp.StatusCode != http.StatusOK {
		return &HTTPError{API: api, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	}
	var answer struct {
		ActionStatus string
		ErrorCode    Code
		ErrorInfo    string
		RequestID    string `json:"RequestId"`
		Response     json.RawMessage
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("%s: the answer is not the documented JSON: %w", api, err)
	}
	if answer.ErrorCode != CodeOK || answer.ActionStatus != "OK" {
		return &APIError{API: api, Code: answer.ErrorCode, Info: answer.ErrorInfo, RequestID: answer.RequestID}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Response, into); err != nil {
		return fmt.Errorf("%s: Response of %s: %w", api, answer.RequestID, err)
	}
	return nil
}

// withoutURL strips the URL from an error of net/http: its query holds a
// UserSig, which is full administrator rights, and errors end up in logs.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}
