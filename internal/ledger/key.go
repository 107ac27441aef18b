package ledger

import (
	"strconv"

	"aftercall/internal/tencent"
)

// Kind says what an entry does.
type Kind string

// The kinds of entries.
const (
	KindCharge Kind = "charge"
	// KindReversal takes a charge back: its amount is the negative.
	KindReversal Kind = "reversal"
)

// Key identifies an entry. The first charge of a call, revision 1, is
// charge:<SDKAppID>:<CallId>; a correction counts on, as in charge.2:…, and a
// reversal has the revision of the charge that it takes back. A CallId may hold
// any character, colons too: it is all that follows the second one, and what
// comes before it cannot hold one.
func Key(kind Kind, revision int, app tencent.SDKAppID, callID string) string {
	prefix := string(kind)
	if revision > 1 {
		prefix += "." + strconv.Itoa(revision)
	}
	return prefix + ":" + app.String() + ":" + callID
}
