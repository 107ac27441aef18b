package checker

import "fmt"

// What a process or a connection to it uses.
const (
	Goroutines = "goroutines"
	// Heap is in bytes, right after a garbage collection.
	Heap        = "bytes of heap"
	OpenFiles   = "open files"
	Connections = "connections"
)

// Usage is how much a part of the system used before the first fault and uses after it
// has recovered from the last one.
type Usage struct {
	Part, What    string
	Before, After float64
}

// Allowed is how much it may use after it has recovered. A process that has worked has
// some more pollers and pooled connections than one that has just started.
func (u Usage) Allowed() float64 {
	switch u.What {
	case Heap:
		return u.Before*1.25 + 8<<20
	case Connections:
		return u.Before + 20 // two workers may keep ten to the ledger each
	default:
		return u.Before*1.1 + 15
	}
}

// String is the usage in one line.
func (u Usage) String() string {
	return fmt.Sprintf("%s: %.0f %s, %.0f before the first fault", u.Part, u.After, u.What, u.Before)
}

// usages finds what is not back where it was.
func (r *report) usages() {
	for _, u := range r.Usages {
		if u.After > u.Allowed() {
			r.add(Leaked, ID{}, "%s, and at most %.0f are allowed", u, u.Allowed())
		}
	}
}
