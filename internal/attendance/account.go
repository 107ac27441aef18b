package attendance

// account is what one source says of one member.
type account struct {
	// sure is the time in the call between a joining and a leaving that were seen, and
	// from the last joining on if no leaving followed.
	sure spans
	// possible is sure and, before a leaving whose joining was not seen, all time since
	// the leaving before it, or since the call was accepted.
	possible spans
	// open is set if no leaving followed the last joining, and dropped if a leaving that
	// ends a time was not the member's doing.
	open, dropped bool
	// proof are the IDs of the events at which the times begin and end.
	proof []string
}

// read follows the events of one source about one member, which are in order. call is
// from AcceptTime to EndTime. The caller is in the call when it is accepted: what
// happened before does not count.
//
// To join twice is to join once. A joining and a leaving in the same millisecond leave
// everything as it was: which was first is unknown. Who left and was dropped in the same
// millisecond was dropped.
func read(events []Event, caller bool, call span) account {
	var a account
	in, since, gone := caller, call.from, call.from
	var sure, missed []span
	for i := 0; i < len(events); {
		at := events[i].At.UnixMilli()
		var joined, left *Event
		for ; i < len(events) && events[i].At.UnixMilli() == at; i++ {
			switch {
			case events[i].Kind == Joined:
				joined = &events[i]
			case left == nil || events[i].Kind == Dropped:
				left = &events[i]
			}
		}
		switch {
		case caller && at < call.from, joined != nil && left != nil, joined != nil && in:
		case joined != nil:
			in, since = true, at
			a.prove(joined)
		case in:
			sure = append(sure, span{since, at})
			in, gone, a.dropped = false, max(gone, at), a.dropped || left.Kind == Dropped
			a.prove(left)
		default:
			missed = append(missed, span{gone, at})
			gone = max(gone, at)
			a.prove(left)
		}
	}
	if in {
		sure = append(sure, span{since, call.to})
	}
	a.open = in
	a.sure = united(call, sure...)
	a.possible = united(call, append(missed, sure...)...)
	return a
}

func (a *account) prove(e *Event) {
	if e.ID != "" {
		a.proof = append(a.proof, e.ID)
	}
}
