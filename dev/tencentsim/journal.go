package tencentsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"aftercall/internal/tencent"
)

// The kinds of journal entries.
const (
	entryCall     = "call"
	entryCallback = "callback"
)

// entry is one line of the journal.
type entry struct {
	Kind     string           `json:"kind"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Callback is nil when the configuration was deleted.
	Callback *tencent.CallbackConfig `json:"callback,omitempty"`
	Call     *journalCall            `json:"call,omitempty"`
}

// journalCall is the part of a call that survives a restart: its record, not its callbacks.
type journalCall struct {
	Record      tencent.CallRecord `json:"record"`
	EndedAt     time.Time          `json:"ended_at"`
	PlacedAt    time.Time          `json:"placed_at"`
	RecordAfter time.Duration      `json:"record_after_ns"`
	Lost        bool               `json:"lost,omitempty"`
}

// journal is an append-only file of JSON lines. A nil journal stores nothing.
// Simulator.mu keeps its writers apart.
type journal struct {
	file *os.File
}

// openJournal replays the file and opens it for appending. A last line that was
// cut off by a crash is dropped; any other line that cannot be decoded is an error.
func openJournal(path string, replay func(entry) error) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{file: file}
	if err := j.replay(replay); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), file.Close())
	}
	return j, nil
}

func (j *journal) replay(replay func(entry) error) error {
	data, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	good := int64(0)
	for number := 1; len(data) > 0; number++ {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			break // incomplete: the entry was never acknowledged
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d: %w: repair or delete the file", number, err)
		}
		if err := replay(e); err != nil {
			return fmt.Errorf("line %d: %w: repair or delete the file", number, err)
		}
		good += int64(len(line)) + 1
		data = rest
	}
	if err := j.file.Truncate(good); err != nil {
		return err
	}
	_, err = j.file.Seek(good, io.SeekStart)
	return err
}

func (j *journal) append(e entry) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// restore applies one journal entry. Entries of apps that are no longer served
// are skipped.
func (s *Simulator) restore(e entry) error {
	if _, ok := s.apps[e.SDKAppID]; !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Kind == entryCallback && e.Callback == nil:
		delete(s.callbacks, e.SDKAppID)
	case e.Kind == entryCallback:
		s.callbacks[e.SDKAppID] = *e.Callback
	case e.Kind == entryCall && e.Call != nil:
		s.remember(&call{
			app: e.SDKAppID, record: e.Call.Record, endedAt: e.Call.EndedAt, placedAt: e.Call.PlacedAt,
			recordAfter: e.Call.RecordAfter, lost: e.Call.Lost,
		})
	default:
		return fmt.Errorf("unknown kind %q", e.Kind)
	}
	return nil
}

// remember adds a call. s.mu is held.
func (s *Simulator) remember(c *call) {
	s.calls[callKey{c.app, c.record.CallID}] = c
	s.order = append(s.order, c)
}
