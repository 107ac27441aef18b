package main

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// cutAfterCommit is the name of a toxic that closes a connection to PostgreSQL in place
// of passing on the answer to an INSERT or a COMMIT: all is committed, and whoever did it
// does not hear of it.
const cutAfterCommit = "cut_after_commit"

type commitToxic struct{}

// watch is the name of a toxic that passes everything on, and counts it.
const watch = "watch"

// cutBytes is how much of the answers on a connection passes before it is cut.
const cutBytes = 300

// cut is the name of a toxic that cuts a connection, as limit_data does, or a while later.
// Chains of toxiproxy's own toxics panic or block (2.5.0): slow_close, if another toxic
// follows soon after its removal, and limit_data, if the toxic before it is removed while
// that has something to pass on to a connection which has just been cut.
const cut = "cut"

// slowness is how long the end of a connection that is cut slowly is under way.
const slowness = 3 * time.Second

type cutToxic struct {
	// Slowness is how long the end is under way, in ms.
	Slowness int64 `json:"slowness"`
}

// Pipe implements toxics.Toxic.
func (t *cutToxic) Pipe(stub *toxics.ToxicStub) {
	remaining := cutBytes
	var closed <-chan time.Time // until then, what comes is lost
	for {
		select {
		case <-stub.Interrupt:
			return
		case <-closed:
			cutOff(stub)
			return
		case c := <-stub.Input:
			switch {
			case c == nil:
				stub.Close()
				return
			case closed != nil:
				continue
			case len(c.Data) >= remaining:
				c.Data, closed = c.Data[:remaining], time.After(time.Duration(t.Slowness)*time.Millisecond)
			}
			remaining -= len(c.Data)
			stub.Output <- c
		}
	}
}

// Cleanup implements toxics.CleanupToxic. It ends all connections, as others may be cut.
func (*cutToxic) Cleanup(stub *toxics.ToxicStub) { stub.Close() }

// cutOff closes the connection that a toxic passes on to. What still comes is lost, and blocks
// nobody.
func cutOff(stub *toxics.ToxicStub) {
	stub.Close()
	for range stub.Input {
	}
}

type watchToxic struct {
	// bytes counts all, long the connections on which more than cutBytes have passed,
	// and commits the answers to an INSERT or a COMMIT.
	bytes, long, commits atomic.Int64
}

// watched are the bytes of one connection.
type watched struct{ bytes int }

// NewState implements toxics.StatefulToxic.
func (*watchToxic) NewState() any { return &watched{} }

// Pipe implements toxics.Toxic.
func (t *watchToxic) Pipe(stub *toxics.ToxicStub) {
	state := stub.State.(*watched)
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			t.bytes.Add(int64(len(c.Data)))
			if isCommit(c.Data) {
				t.commits.Add(1)
			}
			if before := state.bytes; before <= cutBytes && before+len(c.Data) > cutBytes {
				t.long.Add(1)
			}
			state.bytes += len(c.Data)
			stub.Output <- c
		}
	}
}

// Messages of PostgreSQL: CommandComplete of one row inserted, and of a transaction; and
// ReadyForQuery outside of a transaction, which ends an answer. The server sends the
// answer when it has committed.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
var (
	inserted  = []byte("C\x00\x00\x00\x0fINSERT 0 1\x00")
	committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")
	idle      = []byte("Z\x00\x00\x00\x05I")
)

// Pipe implements toxics.Toxic. Such an answer is small, so that it is one chunk.
func (*commitToxic) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			switch {
			case c == nil:
				stub.Close()
				return
			case isCommit(c.Data):
				cutOff(stub)
				return
			}
			stub.Output <- c
		}
	}
}

func isCommit(answer []byte) bool {
	return bytes.HasSuffix(answer, idle) && (bytes.Contains(answer, inserted) || bytes.Contains(answer, committed))
}
