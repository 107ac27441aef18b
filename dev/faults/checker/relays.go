package checker

// Relay is a callback that was posted, or that has reached the backend of its app, with
// its query and its body as they are.
type Relay struct {
	App, CallID, Command string
	// Posted says that Tencent has posted it.
	Posted bool
	// Promised says that it was answered OK, which means that it will be relayed.
	Promised bool
	// Accepted counts how often the backend has accepted it.
	Accepted int
}

// relays checks that every callback that was answered OK has reached the backend, and
// that none has that Tencent never posted.
func (r *report) relays() {
	for _, relay := range r.Relays {
		switch {
		case relay.Promised && relay.Accepted == 0:
			r.add(NotRelayed, ID{relay.App, relay.CallID}, "%s was answered OK, and the backend has not accepted it", relay.Command)
		case !relay.Posted:
			r.add(ChangedBody, ID{}, "the backend got a callback that Tencent never posted")
		}
	}
}
