package main

import (
	"context"
	"net/http"

	"aftercall/dev/local"
)

// eventFaults are those of the database of events. In PostgreSQL it also has those of its
// network, and of the server.
func eventFaults() []fault {
	return []fault{{"locked by another program", "events", eventsLocked}}
}

// eventsLocked has another program lock the table of the events, or the file.
func eventsLocked(ctx context.Context, w *world) (end, error) {
	db, err := w.openDB(local.EvidenceDatabase, w.stack.EvidencePath())
	if err != nil {
		return nil, err
	}
	unlock, err := w.lock(ctx, db, "evidence_events")
	if err != nil {
		return nil, err
	}
	return unlock, w.showsCount(ctx, "webhooks of rooms were answered 503", w.refusedWebhooks)
}

// refusedWebhooks counts the answers to webhooks of rooms that ask Tencent to send them
// again. It does not repeat callbacks about members.
func (w *world) refusedWebhooks(context.Context) (n int, err error) {
	for _, call := range w.stack.Tencent.Calls() {
		for _, posted := range call.RoomWebhooks {
			if posted.Status == http.StatusServiceUnavailable {
				n++
			}
		}
	}
	return n, nil
}
