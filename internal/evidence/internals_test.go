package evidence

import "aftercall/internal/tencent"

// MaxRequests is maxRequests.
const MaxRequests = maxRequests

// Waiting is how many requests of an app wait for a transaction.
func (w *Writer) Waiting(app tencent.SDKAppID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queues[app])
}
