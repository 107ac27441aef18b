// Package tencent implements the protocol of Tencent RTC "Call" (TUICallKit),
// generation v4: decoding the callbacks Call.* that Tencent posts, a client of
// the REST API v4/call_* that returns the authoritative call records, and the
// UserSig that authenticates its requests.
//
// The package does not depend on Temporal or Redis and knows no prices.
// References such as D:68930 are pages of Tencent's documentation,
// trtc.io/document/68930.
package tencent

import "strconv"

// SDKAppID identifies an application at Tencent RTC. It is not secret: every
// client contains it.
type SDKAppID uint64

// String returns the ID in decimal, as Tencent writes it in queries.
func (id SDKAppID) String() string { return strconv.FormatUint(uint64(id), 10) }

// ParseSDKAppID parses an ID in decimal.
func ParseSDKAppID(s string) (SDKAppID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	return SDKAppID(n), err
}
