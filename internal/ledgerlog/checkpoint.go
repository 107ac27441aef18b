package ledgerlog

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
)

// unsignedOrigin is the origin of checkpoints that nobody signed.
const unsignedOrigin = "aftercall-ledger"

// timeLine begins the line of a checkpoint that says when it was made.
const timeLine = "time "

// Checkpoint says what the log was at a time: whoever has a copy can show that the
// first Size entries were changed since.
type Checkpoint struct {
	// Origin names the log: the name of the key that signs.
	Origin string
	// Size is the number of entries.
	Size uint64
	// Root is the root hash of the tree of these entries.
	Root Hash
	// Time is when it was made, by the clock of the ledger's database, in
	// milliseconds.
	Time time.Time
	// Close is the month that it closes, if it does.
	Close Close
}

// body is the text that is signed, a checkpoint of c2sp.org/tlog-checkpoint.
func (c Checkpoint) body() string {
	head := log.Checkpoint{Origin: c.Origin, Size: c.Size, Hash: c.Root[:]}
	return string(head.Marshal()) + timeLine + c.Time.UTC().Format("2006-01-02T15:04:05.000Z") + "\n" + c.Close.line()
}

// Sign returns the text of the checkpoint as a signed note (c2sp.org/signed-note),
// or without a signature if there is no key.
func (c Checkpoint) Sign(k Key) (string, error) {
	c.Origin = k.Origin()
	if k.IsZero() {
		return c.body(), nil
	}
	signed, err := note.Sign(&note.Note{Text: c.body()}, k.signer)
	return string(signed), err
}

// ParseCheckpoint reads the text of a checkpoint, signed or not. It does not
// verify signatures. Line ends and spaces that a mail program adds are ignored.
func ParseCheckpoint(text string) (Checkpoint, error) {
	body, _, signed := strings.Cut(normal(text), "\n\n")
	if signed {
		body += "\n"
	}
	var head log.Checkpoint
	rest, err := head.Unmarshal([]byte(body))
	if err != nil || len(head.Hash) != HashSize {
		return Checkpoint{}, errors.New("is not a checkpoint: it must have lines with the origin, the number of entries, the root hash and the time")
	}
	c := Checkpoint{Origin: head.Origin, Size: head.Size, Root: Hash(head.Hash)}
	line, more, _ := strings.Cut(string(rest), "\n")
	at, ok := strings.CutPrefix(line, timeLine)
	if c.Time, err = time.Parse(time.RFC3339Nano, at); err == nil {
		c.Time = c.Time.UTC()
		_, err = c.Time.MarshalText() // only a time of four digits for the year can be shown again
	}
	if err != nil || !ok {
		return Checkpoint{}, fmt.Errorf("is not a checkpoint of this program: its fourth line must be %q and a time", timeLine)
	}
	line, _, _ = strings.Cut(more, "\n")
	c.Close, err = parseClose(line)
	return c, err
}

func normal(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n"
}

// ErrNotSigned is returned for a checkpoint that none of the keys signed.
var ErrNotSigned = errors.New("none of the given keys signed it")

// Verify reads the text of a checkpoint that one of the keys must have signed. A
// signature that is missing, wrong or of another key is ErrNotSigned.
func (keys PublicKeys) Verify(text string) (Checkpoint, error) {
	opened, err := note.Open([]byte(normal(text)), note.VerifierList(keys...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	c, err := ParseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: the log is %s", ErrNotSigned, c.Origin)
}

// Issued is a checkpoint with its text, as it is stored and sent.
type Issued struct {
	Checkpoint
	Text string
}
