package attendance

import "slices"

// span is a time from one moment to another, in Unix milliseconds.
type span struct{ from, to int64 }

// spans are in order, and neither touch nor overlap.
type spans []span

// united are the times that any of the spans has, within limits.
func united(limits span, all ...span) spans {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b span) int { return int(max(-1, min(1, a.from-b.from))) })
	var u spans
	for _, s := range all {
		s = span{max(s.from, limits.from), min(s.to, limits.to)}
		switch last := len(u) - 1; {
		case s.to <= s.from:
		case last >= 0 && s.from <= u[last].to:
			u[last].to = max(u[last].to, s.to)
		default:
			u = append(u, s)
		}
	}
	return u
}

// common is the time that both have.
func (a spans) common(b spans) spans {
	var c spans
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.to > s.from {
			c = append(c, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return c
}

// length is in milliseconds.
func (a spans) length() int64 {
	var n int64
	for _, s := range a {
		n += s.to - s.from
	}
	return n
}
