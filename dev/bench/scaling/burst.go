package scaling

// Burst is a time in which calls end at many times the usual rate.
type Burst struct {
	Name string
	// Usual is the rate before and after, Capacity how many calls a second can be
	// charged and notified. Both are calls per second.
	Usual, Capacity int64
}

const (
	burstFactor  = 10
	burstBegins  = 5 * 60
	burstSeconds = 10 * 60
	burstShown   = 60 * 60
)

// Outcome is what happens in a burst.
type Outcome struct {
	Burst
	// Waiting is the number of calls that wait, after each second.
	Waiting []int64
	// MostWaiting is their highest number; Late is how many seconds the calls that wait
	// longest are charged later than usual; Over is how many seconds after the end of
	// the burst no call waits, -1 if some still do at the end of what is shown.
	MostWaiting, Late, Over int64
}

// Run computes second by second: what ends joins a queue, from which so many calls
// leave as the capacity allows. Calls leave in the order in which they came.
func (b Burst) Run() Outcome {
	o := Outcome{Burst: b, Over: -1}
	var waiting int64
	for second := range int64(burstShown) {
		ended := b.Usual
		if second >= burstBegins && second < burstBegins+burstSeconds {
			ended *= burstFactor
		}
		waiting = max(0, waiting+ended-b.Capacity)
		o.Waiting = append(o.Waiting, waiting)
		o.MostWaiting = max(o.MostWaiting, waiting)
		if after := second + 1 - burstBegins - burstSeconds; after >= 0 && waiting == 0 && o.Over < 0 {
			o.Over = after
		}
	}
	o.Late = ceil(o.MostWaiting, b.Capacity)
	return o
}
