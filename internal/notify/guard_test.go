package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

func TestCheckAddress(t *testing.T) {
	const always, private, never = "", "private", "never"
	for address, want := range map[string]string{
		"8.8.8.8": always, "101.32.0.1": always, "2606:4700::1111": always, "64:ff9b::808:808": always, "2002:808:808::1": always,
		"172.15.255.255": always, "172.32.0.0": always, "100.63.255.255": always, "100.128.0.0": always, "168.63.129.17": always,

		"127.0.0.1": private, "127.255.255.254": private, "::1": private, "::ffff:127.0.0.1": private,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "::ffff:10.0.0.1": private,
		"fc00::1": private, "fdff::1": private, "fec0::1": private, "100.64.0.1": private, "100.127.255.255": private, "198.18.0.1": private,
		"64:ff9b::a00:1": private, "64:ff9b::7f00:1": private, "64:ff9b:1::a00:1": private, "2002:a00:1::1": private, "2002:7f00:1::": private,

		"2606:4700::5efe:a00:1": private, "2606:4700::200:5efe:7f00:1": private, "2606:4700::5efe:808:808": always, "2606:4700::5eff:a00:1": always,
		"2606:4700::5efe:a9fe:a9fe": never, "fc00::5efe:a9fe:a9fe": never, "fe80::5efe:808:808": never, "64:ff9b:1::a9fe:a9fe": never,
		"64:ff9b:1:a9fe:a9:fe00::": never, "3fff::1": never, "3fff:fff:ffff::1": never, "5f00::1": never, "100:0:0:1::1": never,
		"2001:2::1": private, "2001:20::1": never,

		"169.254.169.254": never, "169.254.0.23": never, "::ffff:169.254.169.254": never, "64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::": never,
		"fd00:ec2::254": never, "fd20:ce::254": never, "100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never,
		"fe80::1": never, "fe80::1%eth0": never, "febf::1": never, "0.0.0.0": never, "0.1.2.3": never, "::": never, "::7f00:1": never,
		"224.0.0.1": never, "239.255.255.255": never, "ff02::1": never, "255.255.255.255": never, "240.0.0.1": never, "::ffff:0:7f00:1": never,
		"192.0.2.1": never, "203.0.113.9": never, "2001:db8::1": never, "2001::1": never, "100::1": never, "192.88.99.1": never,
	} {
		addr := netip.MustParseAddr(address)
		closed, open := CheckAddress(addr, false), CheckAddress(addr, true)
		if want == always {
			require.NoError(t, closed, address)
			require.NoError(t, open, address)
			continue
		}
		var addressErr *AddressError
		require.ErrorAs(t, closed, &addressErr, address)
		require.Equal(t, want == private, addressErr.Private, address)
		require.Equal(t, want == private, open == nil, address)
		require.Equal(t, want == private, strings.Contains(closed.Error(), "allow_private"), "the cure, where there is one: %s", closed)
	}
	require.Error(t, CheckAddress(netip.Addr{}, true))
}

// TestTheGuardRefusesAtConnectTime: a client that may not be on the inside
// refuses before anything is sent.
func TestTheGuardRefusesAtConnectTime(t *testing.T) {
	var hits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := get(t, NewHTTPClient(Network{}), "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port))
		require.Error(t, err, host)
	}
	require.Zero(t, hits.Load())

	_, err = get(t, NewHTTPClient(Network{}), inside.URL)
	var addressErr *AddressError
	require.ErrorAs(t, err, &addressErr)
	require.Equal(t, "loopback", addressErr.Kind)

	_, err = get(t, NewHTTPClient(Network{AllowPrivate: true}), inside.URL)
	require.NoError(t, err)
	require.EqualValues(t, 1, hits.Load())
}

// TestDNSThatChangesGainsNothing: a name is resolved for every connection, and
// it is the address of that
// connection that counts, whatever the name was before.
func TestDNSThatChangesGainsNothing(t *testing.T) {
	var hits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	receiver := "http://" + net.JoinHostPort("receiver.example", port)

	dns := &fakeDNS{answers: [][4]byte{{127, 0, 0, 1}, {169, 254, 169, 254}, {127, 0, 0, 1}}}
	dialer := NewDialer(true)
	dialer.Resolver = dns.resolver()
	client := newHTTPClient(Network{AllowPrivate: true}, dialer, nil)
	for _, kind := range []string{"", "link-local", ""} {
		_, err := get(t, client, receiver)
		if kind == "" {
			require.NoError(t, err)
		} else {
			var addressErr *AddressError
			require.ErrorAs(t, err, &addressErr)
			require.Equal(t, kind, addressErr.Kind)
		}
		client.CloseIdleConnections()
	}
	require.EqualValues(t, 2, hits.Load())

	dns = &fakeDNS{answers: [][4]byte{{127, 0, 0, 1}}}
	dialer = NewDialer(false)
	dialer.Resolver = dns.resolver()
	_, err = get(t, newHTTPClient(Network{}, dialer, nil), receiver)
	var addressErr *AddressError
	require.ErrorAs(t, err, &addressErr)
	require.EqualValues(t, 2, hits.Load())
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	for _, location := range []string{inside.URL, "http://169.254.169.254/latest/meta-data", "/elsewhere"} {
		front := httptest.NewServer(http.RedirectHandler(location, http.StatusTemporaryRedirect))
		resp, err := get(t, NewHTTPClient(Network{AllowPrivate: true}), front.URL)
		front.Close()
		require.NoError(t, err)
		require.Equal(t, http.StatusTemporaryRedirect, resp.StatusCode)
	}
	require.Zero(t, hits.Load())
}

func TestProxy(t *testing.T) {
	var seen atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen.Store(r.URL.String()) }))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	environment := func(req *http.Request) (*url.URL, error) {
		if req.URL.Hostname() == "127.0.0.1" { // as NO_PROXY has it
			return nil, nil
		}
		return proxyURL, nil
	}
	through := newHTTPClient(Network{Proxy: true}, NewDialer(false), environment)
	_, err = get(t, through, "http://receiver.example/hook")
	require.NoError(t, err, "the proxy itself may be on the inside")
	require.Equal(t, "http://receiver.example/hook", seen.Load())

	for _, refused := range []string{proxy.URL, "http://localhost/", "http://10.1.2.3/", "http://169.254.169.254/"} {
		_, err = get(t, through, refused)
		var addressErr *AddressError
		require.ErrorAs(t, err, &addressErr, refused)
	}
	require.Equal(t, "http://receiver.example/hook", seen.Load())

	broken := func(*http.Request) (*url.URL, error) { return nil, errors.New(`invalid proxy address "u:canary@x"`) }
	_, err = get(t, newHTTPClient(Network{Proxy: true}, NewDialer(false), broken), "http://receiver.example/")
	require.ErrorContains(t, err, "HTTPS_PROXY")
	require.NotContains(t, err.Error(), "canary")

	dns := &fakeDNS{answers: [][4]byte{{127, 0, 0, 1}}}
	dialer := NewDialer(false)
	dialer.Resolver = dns.resolver()
	_, err = get(t, newHTTPClient(Network{}, dialer, environment), "http://receiver.example/hook2")
	require.Error(t, err, "the environment's proxy is used only if the target asks for it")
	require.Equal(t, "http://receiver.example/hook", seen.Load())
}

func get(t *testing.T, client *http.Client, address string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return resp, err
}

// fakeDNS answers lookups of A records in turn, and repeats the last answer.
type fakeDNS struct {
	answers [][4]byte
	asked   atomic.Int32
}

func (d *fakeDNS) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go d.serve(server)
		return client, nil
	}}
}

// serve speaks DNS over a stream: each message after its length.
func (d *fakeDNS) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var length uint16
		if binary.Read(conn, binary.BigEndian, &length) != nil {
			return
		}
		query := make([]byte, length)
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(query) != nil {
			return
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			i := min(int(d.asked.Add(1)), len(d.answers)) - 1
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: d.answers[i]},
			}}
		}
		answer, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(answer)))); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}
