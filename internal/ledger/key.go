package ledger

import (
	"strconv"
	"strings"

	"aftercall/internal/tencent"
)

// Kind is what an entry does.
type Kind string

// The kinds of entries.
const (
	KindCharge Kind = "charge"
	// KindReversal reverses a charge or an adjustment: its amount is the negative.
	KindReversal Kind = "reversal"
	// KindAdjustment adds a credit or a surcharge to what a call costs.
	KindAdjustment Kind = "adjustment"
)

// adjustmentReversal is what the key of an adjustment's reversal begins with, so that
// it differs from that of the charge with the same number.
const adjustmentReversal Kind = "adjustment-reversal"

// Key identifies an entry. The first charge of a call, revision 1, is
// charge:<SDKAppID>:<CallId>; the next one is charge.2:…, and a reversal has the
// revision of the charge that it reverses, as in reversal.2:…. The adjustments of a
// call have numbers of their own, as in adjustment.2:… and adjustment-reversal.2:…. A
// CallId can hold any character, colons too: it is everything after the second colon, because kind,
// revision and SDKAppID cannot hold one.
func Key(kind Kind, revision int, app tencent.SDKAppID, callID string) string {
	prefix := string(kind)
	if revision > 1 {
		prefix += "." + strconv.Itoa(revision)
	}
	return prefix + ":" + app.String() + ":" + callID
}

// key is the key that the entry must have.
func (e *Entry) key() string {
	kind := e.Kind
	if e.Kind == KindReversal && e.Adjusts() {
		kind = adjustmentReversal
	}
	return Key(kind, e.Revision, e.SDKAppID, e.Record.CallID)
}

// reversedKey is the key of the entry that a reversal must reverse.
func (e *Entry) reversedKey() string {
	kind := KindCharge
	if e.Adjusts() {
		kind = KindAdjustment
	}
	return Key(kind, e.Revision, e.SDKAppID, e.Record.CallID)
}

// Adjusts reports whether the entry is an adjustment or the reversal of one, so that
// the charge of the call is as it was.
func (e *Entry) Adjusts() bool {
	return e.Kind == KindAdjustment || strings.HasPrefix(e.Reverses, string(KindAdjustment))
}
