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

// AddressError is an address to which no connection is made: people who configure
// a target, or control its DNS, must not reach internal services through it.
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
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy", false},
	{netip.MustParsePrefix("2001:2::/48"), "benchmarking", true},
	{netip.MustParsePrefix("2001:10::/28"), "ORCHID", false},
	{netip.MustParsePrefix("2001:20::/28"), "ORCHID", false},
	{netip.MustParsePrefix("3fff::/20"), "documentation", false},
	{netip.MustParsePrefix("5f00::/16"), "segment routing", false},
	{netip.MustParsePrefix("2001::/32"), "Teredo", false},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation", false},
	{netip.MustParsePrefix("fec0::/10"), "site-local", true},
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixTo4     = netip.MustParsePrefix("2002::/16")
)

// CheckAddress returns an *AddressError unless a receiver may have the address.
// Link-local and metadata addresses are refused even where private ones are allowed.
func CheckAddress(addr netip.Addr, allowPrivate bool) error {
	plain := addr.WithZone("").Unmap()
	var refusal error
	for _, leadsTo := range append([]netip.Addr{plain}, embedded(plain)...) {
		kind, private := kindOf(leadsTo)
		if kind == "" || (private && (allowPrivate || refusal != nil)) {
			continue
		}
		// One that is never permitted outweighs one that allow_private permits.
		refusal = &AddressError{Address: addr, Kind: kind, Private: private}
		if !private {
			break
		}
	}
	return refusal
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

// embedded returns the IPv4 addresses to which an IPv6 address may lead: by 6to4,
// by NAT64, and by ISATAP (RFC 5214), whose interface identifier has one under any
// prefix. Local NAT64 may have it at several places (RFC 6052); those count that
// would be a link-local or metadata address.
func embedded(addr netip.Addr) (all []netip.Addr) {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	isatap := b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
	switch {
	case sixTo4.Contains(addr):
		all = append(all, netip.AddrFrom4([4]byte(b[2:6])))
	case localNAT64.Contains(addr):
		for _, at := range [][4]byte{{b[6], b[7], b[9], b[10]}, {b[7], b[9], b[10], b[11]}, {b[9], b[10], b[11], b[12]}, {b[12], b[13], b[14], b[15]}} {
			ip := netip.AddrFrom4(at)
			if kind, _ := kindOf(ip); kind == "cloud metadata" || kind == "link-local" {
				all = append(all, ip)
			}
		}
	}
	if nat64.Contains(addr) || isatap {
		all = append(all, netip.AddrFrom4([4]byte(b[12:16])))
	}
	return all
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
