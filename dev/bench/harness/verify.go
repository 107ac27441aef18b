package harness

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Verification is what the ledger and the receiver of webhooks have at the end
// of a load, call by call.
type Verification struct {
	// Calls is how many calls were acknowledged.
	Calls int
	// Uncharged calls have no ledger entry, Unnotified calls no message.
	Uncharged, Unnotified int
	// ChargedTwice calls have several entries, NotifiedTwice calls several messages
	// with different IDs, which a receiver takes for different events.
	ChargedTwice, NotifiedTwice int
	// Repeated counts further arrivals of a message, which a receiver drops by its ID.
	Repeated int
	// BadSignatures counts webhooks with an invalid signature.
	BadSignatures int
}

// Clean reports whether every call has exactly one entry and one message.
func (v Verification) Clean() bool {
	return v.Lost() == 0 && v.Duplicated() == 0 && v.BadSignatures == 0
}

// Lost returns the number of calls without an entry or without a message.
func (v Verification) Lost() int { return max(v.Uncharged, v.Unnotified) }

// Duplicated returns the number of calls that were charged or notified twice.
func (v Verification) Duplicated() int { return v.ChargedTwice + v.NotifiedTwice }

// verify compares the acknowledged calls with the ledger and the webhooks.
func verify(accepted []string, charged map[string]int, webhooks map[string]*callWebhooks, badSignatures int) Verification {
	v := Verification{Calls: len(accepted), BadSignatures: badSignatures}
	for _, id := range accepted {
		switch n := charged[id]; {
		case n == 0:
			v.Uncharged++
		case n > 1:
			v.ChargedTwice++
		}
		call := webhooks[id]
		if call == nil {
			v.Unnotified++
			continue
		}
		if len(call.messages) > 1 {
			v.NotifiedTwice++
		}
		for _, n := range call.messages {
			v.Repeated += n - 1
		}
	}
	return v
}

// chargedCalls returns the number of charges in the ledger by call.
func chargedCalls(ctx context.Context, databaseURL string) (map[string]int, error) {
	db, err := sql.Open("pgx", databaseURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT call_id, count(*) FROM ledger_entries WHERE kind = 'charge' GROUP BY call_id")
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	charged := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		charged[id] = n
	}
	return charged, rows.Err()
}

// delays returns how long after its record was ready the first message of each
// call came.
func (s *webhookCounter) delays(readyAt map[string]time.Time) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	delays := make([]time.Duration, 0, len(s.calls))
	for id, call := range s.calls {
		if at, ok := readyAt[id]; ok {
			delays = append(delays, call.first.Sub(at))
		}
	}
	return delays
}
