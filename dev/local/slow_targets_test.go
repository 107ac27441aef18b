package local_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/notify"
)

// slowAnswer is longer than the local activity of another step may take, and
// than the SDK waits before it extends a workflow task. It is within the 15 s that
// a receiver has.
const slowAnswer = 9 * time.Second

// slowReceivers stand in for the servers of all channels. They count requests and
// mails by target, and answer late.
type slowReceivers struct {
	http *httptest.Server
	mail net.Listener

	mu   sync.Mutex
	seen map[string]int
}

func newSlowReceivers(t *testing.T) *slowReceivers {
	t.Helper()
	s := &slowReceivers{seen: map[string]int{}}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	var err error
	s.mail, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := s.mail.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { s.session(conn) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, s.mail.Close())
		sessions.Wait()
	})
	return s
}

func (s *slowReceivers) count(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[target]++
}

func (s *slowReceivers) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for target, n := range s.seen {
		counts[target] = n
	}
	return counts
}

// ServeHTTP accepts what any channel sends. The first part of the path is the target.
func (s *slowReceivers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.count(target)
	select {
	case <-time.After(slowAnswer):
	case <-r.Context().Done():
		return
	}
	body := map[string]string{"slack": "ok", "stripe": `{"object":"billing.meter_event"}`}[target]
	if body == "" {
		body = `{"errcode":0,"code":0}`
	}
	_, _ = fmt.Fprint(w, body)
}

// session is that of a mail server without encryption, which counts a mail before
// it accepts it.
func (s *slowReceivers) session(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewScanner(conn)
	say := func(reply string) { _, _ = fmt.Fprintf(conn, "%s\r\n", reply) }
	say("220 mail.example.com ESMTP")
	for in.Scan() {
		switch verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); verb {
		case "DATA":
			say("354 end with a dot")
			for in.Scan() && in.Text() != "." {
			}
			s.count("email")
			<-time.After(slowAnswer)
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// TestASlowReceiverGetsEachEventOnce has a target of every channel whose receiver
// takes seconds to answer. Each gets one request for each call, before and after
// it is known to be slow.
func TestASlowReceiverGetsEachEventOnce(t *testing.T) {
	t.Parallel()
	receivers := newSlowReceivers(t)
	url := receivers.http.URL
	var targets strings.Builder
	for _, target := range []string{
		fmt.Sprintf(`{name: webhook, url: "%s/webhook/", secrets: ["${CRM_WEBHOOK_SECRET}"], allow_private: true}`, url),
		fmt.Sprintf(`{name: slack, type: slack, url: "%s/slack/", allow_private: true}`, url),
		fmt.Sprintf(`{name: teams, type: teams, url: "%s/teams/", allow_private: true}`, url),
		fmt.Sprintf(`{name: wecom, type: wecom, url: "%s/wecom/", allow_private: true}`, url),
		fmt.Sprintf(`{name: dingtalk, type: dingtalk, url: "%s/dingtalk/", secret: SECx, allow_private: true}`, url),
		fmt.Sprintf(`{name: feishu, type: feishu, url: "%s/feishu/", secret: x, allow_private: true}`, url),
		fmt.Sprintf(`{name: stripe, type: stripe, url: "%s/stripe", stripe: {api_key: sk_x, meter: m, customer: "{{ .Caller }}"}, allow_private: true}`, url),
		fmt.Sprintf(`{name: email, type: email, mail: {server: "%s", security: none, from: a@example.com, to: [b@example.com]}, allow_private: true}`, receivers.mail.Addr()),
	} {
		targets.WriteString("  - " + target + "\n")
	}
	stack := startStackWithConfig(t, "targets:\n", "targets:\n"+targets.String())
	ctx := testContext(t)
	want := map[string]int{}
	for i := range 2 {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5})
		require.NoError(t, err)
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		for _, d := range f.Result.Deliveries {
			require.True(t, d.Delivered, "%+v", d)
		}
		for _, channel := range notify.Types() {
			want[string(channel)] = i + 1
		}
		require.Equal(t, want, receivers.counts(), "one request for each call")
	}
}
