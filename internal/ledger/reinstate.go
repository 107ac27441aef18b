package ledger

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/tencent"
)

// ErrNotReversed is returned for a call whose charge counts, so that no reversal
// can be taken back.
var ErrNotReversed = errors.New("the charge of the call was not reversed")

// Reinstate takes back the reversal of a call's last charge: it books the same charge
// again, as the next revision, once. inserted is false if a charge of a later
// revision than the first counts already, and stored is that charge. A call whose
// first charge counts is ErrNotReversed, and one without entries ErrNoCharge.
func (l *Ledger) Reinstate(ctx context.Context, app tencent.SDKAppID, callID string, c Correction) (stored Entry, inserted bool, err error) {
	if err := c.Validate(); err != nil {
		return Entry{}, false, err
	}
	entries, err := entriesOf(ctx, l.write, app, callID)
	if err != nil {
		return Entry{}, false, err
	}
	if live, charged := Live(entries); charged {
		if live.Revision == 1 {
			return Entry{}, false, fmt.Errorf("%w: it is charged %s by %s", ErrNotReversed, live.Charge.Amount, live.Key)
		}
		return live, false, nil
	}
	var e Entry
	for _, charge := range entries {
		if charge.Kind == KindCharge {
			e = charge
		}
	}
	if e.Key == "" {
		return Entry{}, false, fmt.Errorf("%w: call %s", ErrNoCharge, callID)
	}
	e.Revision++
	e.Key = Key(KindCharge, e.Revision, app, callID)
	e.FirstRunID, e.Differences, e.Reason, e.Operator = "", nil, c.Reason, c.Operator
	stored, inserted, err = insert(ctx, l.write, e)
	if err == nil && !inserted {
		stored, err = l.byKey(ctx, e.Key)
	}
	return stored, inserted, err
}
