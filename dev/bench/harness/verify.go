package harness

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Verdict is what was found at the far end, call by call.
type Verdict struct {
	// Calls were acknowledged.
	Calls int
	// Uncharged have no ledger entry, Unnotified no message.
	Uncharged, Unnotified int
	// ChargedTwice have several entries, NotifiedTwice several messages with
	// different IDs, which a receiver cannot tell from two events.
	ChargedTwice, NotifiedTwice int
	// Repeated are further arrivals of a message, which a receiver drops by its ID.
	Repeated int
	// Forged had a bad signature.
	Forged int
}

// Clean reports whether every call has exactly one entry and one message.
func (v Verdict) Clean() bool {
	return v.Lost() == 0 && v.Doubled() == 0 && v.Forged == 0
}

// Lost are calls without an entry or without a message.
func (v Verdict) Lost() int { return max(v.Uncharged, v.Unnotified) }

// Doubled are calls that were charged or announced twice.
func (v Verdict) Doubled() int { return v.ChargedTwice + v.NotifiedTwice }

// verify compares what was acknowledged with the ledger and with what came.
func verify(accepted []string, charged map[string]int, came map[string]*received, forged int) Verdict {
	v := Verdict{Calls: len(accepted), Forged: forged}
	for _, id := range accepted {
		switch n := charged[id]; {
		case n == 0:
			v.Uncharged++
		case n > 1:
			v.ChargedTwice++
		}
		call := came[id]
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

// chargedCalls counts the ledger's charges by call.
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

// lateness is how long after the end of its wait the first message of every
// call came.
func (s *sink) lateness(readyAt map[string]time.Time) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := make([]time.Duration, 0, len(s.calls))
	for id, call := range s.calls {
		if at, ok := readyAt[id]; ok {
			late = append(late, call.first.Sub(at))
		}
	}
	return late
}
