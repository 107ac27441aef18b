package ledger

import (
	"strconv"

	"aftercall/internal/tencent"
)

// Kind is what an entry does.
type Kind string

// The kinds of entries.
const (
	KindCharge Kind = "charge"
	// KindReversal reverses a charge: its amount is the negative.
	KindReversal Kind = "reversal"
)

// Key identifies an entry. The first charge of a call, revision 1, is
// charge:<SDKAppID>:<CallId>; the next one is charge.2:…, and a reversal has the
// revision of the charge that it reverses, as in reversal.2:…. A CallId can hold any
// character, colons too: it is everything after the second colon, because kind,
// revision and SDKAppID cannot hold one.
func Key(kind Kind, revision int, app tencent.SDKAppID, callID string) string {
	prefix := string(kind)
	if revision > 1 {
		prefix += "." + strconv.Itoa(revision)
	}
	return prefix + ":" + app.String() + ":" + callID
}
