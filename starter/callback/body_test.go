package callback

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// connection is a connection to a server with f's handler.
func (f *fixture) connection() net.Conn {
	f.t.Helper()
	srv := httptest.NewServer(f.handler)
	f.t.Cleanup(srv.Close)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(f.t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

// head is the head of a callback with a body of length bytes.
func head(length int, headers string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n", good, length, headers)
}

func requireAnswer(t *testing.T, r *bufio.Reader, status int) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, status, resp.StatusCode, string(text))
	return resp
}

// pipeWriter is a ResponseWriter whose read deadline is that of the pipe.
type pipeWriter struct {
	*httptest.ResponseRecorder
	net.Conn
}

func (w pipeWriter) Write(p []byte) (int, error) { return w.ResponseRecorder.Write(p) }

// TestTheBodyMayComeLate: reading has all of the time that starting leaves.
func TestTheBodyMayComeLate(t *testing.T) {
	tests := map[string]struct {
		late time.Duration
		err  error
	}{
		"the body 320 ms after its head": {320 * time.Millisecond, nil},
		"just in time":                   {DefaultAnswerTimeout - confirmBudget - time.Millisecond, nil},
		"too late":                       {DefaultAnswerTimeout, os.ErrDeadlineExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sender, receiver := net.Pipe()
				sent := make(chan struct{})
				defer func() {
					receiver.Close()
					<-sent
				}()
				go func() {
					defer close(sent)
					for _, half := range []string{body[:100], body[100:]} {
						<-time.After(tt.late / 2)
						_, _ = io.WriteString(sender, half)
					}
				}()
				r := httptest.NewRequest(http.MethodPost, good, io.LimitReader(receiver, int64(len(body))))
				start := time.Now()
				got, err := readBody(pipeWriter{httptest.NewRecorder(), receiver}, r, start.Add(DefaultAnswerTimeout-confirmBudget))
				require.ErrorIs(t, err, tt.err)
				if tt.err == nil {
					require.Equal(t, body, string(got))
					return
				}
				require.Equal(t, DefaultAnswerTimeout-confirmBudget, time.Since(start))
				require.Equal(t, http.StatusRequestTimeout, refuseBody(err).status)
			})
		})
	}
}

func TestBodyThatNeverComesIs408(t *testing.T) {
	t.Parallel()
	f := withMiniredis(t)
	f.handler.limits.Answer = DefaultAnswerTimeout // not the fixture's patience
	conn := f.connection()
	_, err := io.WriteString(conn, head(len(body), "")+body[:10])
	require.NoError(t, err)
	resp := requireAnswer(t, bufio.NewReader(conn), http.StatusRequestTimeout)
	require.True(t, resp.Close)
	f.requireCallbacks(`{app="",outcome="refused",status="408"} 1`)
}

// TestTooLargeBodyIsRefusedAtOnce has no body at all, so that an answer shows that
// it is not waited for.
func TestTooLargeBodyIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, length := range []int{maxBodySize + 1, 100_000, 10_000_000} {
		for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
			f := withMiniredis(t)
			conn := f.connection()
			_, err := io.WriteString(conn, head(length, expect))
			require.NoError(t, err)
			resp := requireAnswer(t, bufio.NewReader(conn), http.StatusRequestEntityTooLarge)
			require.True(t, resp.Close)
		}
	}
}

func TestExpectContinue(t *testing.T) {
	f := withMiniredis(t)
	conn := f.connection()
	_, err := io.WriteString(conn, head(len(body), "Expect: 100-continue\r\n"))
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue", strings.TrimSpace(line))
	_, err = reader.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	requireAnswer(t, reader, http.StatusOK)
	require.Len(t, f.temporal.started, 1)
}

func TestUnreadableBodyIsRefused(t *testing.T) {
	f := withMiniredis(t)
	r := httptest.NewRequest(http.MethodPost, good, io.MultiReader(strings.NewReader(body[:10]), errReader{}))
	w := f.do(r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "could not be read")
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestStrangersKeepNoConnection: what comes before authentication closes the
// connection, and does not wait for a body that never comes.
func TestStrangersKeepNoConnection(t *testing.T) {
	f := withMiniredis(t)
	for name, tt := range map[string]struct {
		head   string
		status int
	}{
		"unknown path":          {"POST /foo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n", http.StatusNotFound},
		"method":                {"PUT " + good + " HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n", http.StatusMethodNotAllowed},
		"unknown path, no body": {"POST /foo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", http.StatusNotFound},
		"wrong secret":          {"POST " + PathPrefix + "guess HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			conn := f.connection()
			_, err := io.WriteString(conn, tt.head)
			require.NoError(t, err)
			reader := bufio.NewReader(conn)
			requireAnswer(t, reader, tt.status)
			_, err = reader.ReadByte()
			require.ErrorIs(t, err, io.EOF, "the connection is closed")
		})
	}
}

// TestWhatEntersHistoriesIsBounded: a relay keeps query and Content-Type of a callback.
func TestWhatEntersHistoriesIsBounded(t *testing.T) {
	relayed := PathPrefix + relayPath + "?SdkAppid=1400000002&CallbackCommand=Call.CallbackAfterEndCall"
	largest := relayed + "&x=" + strings.Repeat("x", maxQuerySize-len("SdkAppid=1400000002&CallbackCommand=Call.CallbackAfterEndCall&x="))
	for name, tt := range map[string]struct {
		target, contentType string
		status              int
	}{
		"as long as allowed": {largest, strings.Repeat("j", maxContentTypeSize), http.StatusOK},
		"query":              {largest + "x", "application/json", http.StatusRequestURITooLong},
		"Content-Type":       {relayed, strings.Repeat("j", maxContentTypeSize+1), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			f := withMiniredis(t)
			r := httptest.NewRequest(http.MethodPost, tt.target, strings.NewReader(body))
			r.Header.Set("Content-Type", tt.contentType)
			w := f.do(r)
			require.Equal(t, tt.status, w.Code, w.Body.String())
			require.Len(t, f.temporal.relayed(), map[bool]int{true: 1}[tt.status == http.StatusOK])
		})
	}
}
