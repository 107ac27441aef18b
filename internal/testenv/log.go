package testenv

import (
	"strings"
	"sync"
)

// Log keeps what is written to it, and can be read meanwhile.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count is how often s was written.
func (l *Log) Count(s string) int { return strings.Count(l.String(), s) }
