// Package tencent speaks the protocol of Tencent RTC "Call" (TUICallKit),
// generation v4: the callbacks Call.* that Tencent posts, the REST API
// v4/call_* that answers for the truth, and the UserSig that opens it.
//
// The package knows nothing of Temporal, Redis or money. References such as
// D:68930 name pages of Tencent's documentation, trtc.io/document/68930.
package tencent

import "strconv"

// SDKAppID identifies an application at Tencent RTC. It is public: it ships in
// every client, so it authenticates nothing.
type SDKAppID uint64

// String returns the decimal form that Tencent uses in queries.
func (id SDKAppID) String() string { return strconv.FormatUint(uint64(id), 10) }

// ParseSDKAppID reads the decimal form.
func ParseSDKAppID(s string) (SDKAppID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	return SDKAppID(n), err
}
