package notify

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// dialTimeout bounds the connection to one receiver, all its addresses together.
const dialTimeout = 10 * time.Second

// AddressError is an address to which no connection is made: whoever configures a
// target, or controls its DNS, must not reach internal services through it.
type AddressError struct {
	Address netip.Addr
	// Kind is the kind of address, such as loopback.
	Kind string
	// Private reports whether allow_private would permit it.
	Private bool
}

// Error names the address and the remedy.
func (e *AddressError) Error() string {
	if e.Private {
		return fmt.Sprintf("%s is a %s address: set allow_private for this receiver if it is inside your network", e.Address, e.Kind)
	}
	return fmt.Sprintf("%s is a %s address, to which nothing is ever sent", e.Address, e.Kind)
}

// refusedPrefix is a range of addresses that are not on the internet.
type refusedPrefix struct {
	prefix  netip.Prefix
	kind    string
	private bool
}

// refused holds the special-purpose ranges (IANA's registries, RFC 6890) for
// which netip has no method, and the metadata services of clouds that are outside
// link-local. The first match decides.
var refused = []refusedPrefix{
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata", false},   // Azure
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata", false}, // Alibaba Cloud
	{netip.MustParsePrefix("192.0.0.192/32"), "cloud metadata", false},     // Oracle Cloud
	{netip.MustParsePrefix("fd00:ec2::/32"), "cloud metadata", false},      // AWS
	{netip.MustParsePrefix("fd20:ce::254/128"), "cloud metadata", false},   // Google Cloud
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified", false},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT", true},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation", false},
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved", false},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking", true},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation", false},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation", false},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved", false}, // and broadcast
	{netip.MustParsePrefix("::/96"), "IPv4-compatible", false},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "IPv4-translated", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64", true},
	{netip.MustParsePrefix("100::/64"), "discard", false},
	{netip.MustParsePrefix("2001::/32"), "Teredo", false},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation", false},
	{netip.MustParsePrefix("fec0::/10"), "site-local", true},
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

// CheckAddress returns an *AddressError unless a receiver may have the address.
// Link-local and metadata addresses are refused even where private ones are allowed.
func CheckAddress(addr netip.Addr, allowPrivate bool) error {
	plain := embedded(addr.WithZone("").Unmap())
	kind, private := kindOf(plain)
	if kind == "" || (private && allowPrivate) {
		return nil
	}
	return &AddressError{Address: addr, Kind: kind, Private: private}
}

// CheckHost is CheckAddress for a host that is an IP address or localhost, so that
// a mistake shows before anything is sent. What a name resolves to is checked by
// the dialer.
func CheckHost(host string, allowPrivate bool) error {
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil //nolint:nilerr // a name
	}
	return CheckAddress(addr, allowPrivate)
}

// embedded returns the IPv4 address that a translated one leads to, or addr itself.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixTo4.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

// kindOf names the kind of a special address, "" for one on the internet, and
// reports whether a private network may use it.
func kindOf(addr netip.Addr) (kind string, private bool) {
	for _, r := range refused {
		if addr != netip.IPv6Loopback() && r.prefix.Contains(addr) {
			return r.kind, r.private
		}
	}
	switch {
	case addr.IsLoopback():
		return "loopback", true
	case addr.IsPrivate():
		return "private", true
	case addr.IsLinkLocalUnicast():
		return "link-local", false
	case addr.IsMulticast():
		return "multicast", false
	case !addr.IsValid() || addr.IsUnspecified():
		return "unspecified", false
	}
	return "", false
}

// NewDialer returns a dialer that refuses, with an *AddressError, to connect to
// addresses that CheckAddress refuses. It checks the address of the connection
// itself, after DNS, so a name that resolves differently the next time does not
// help an attacker.
func NewDialer(allowPrivate bool) *net.Dialer {
	return &net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%s connection to something that is not an IP address", network)
			}
			return CheckAddress(at.Addr(), allowPrivate)
		},
	}
}
