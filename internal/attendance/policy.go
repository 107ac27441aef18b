package attendance

import "time"

// Use is which time of a member counts where there is a disagreement.
type Use string

// The ways to decide a disagreement.
const (
	// UseEarliestLeave: a member has left as soon as one of the sources that saw the
	// member in the call says so.
	UseEarliestLeave Use = "earliest_leave"
	// UseLongest: a member is in the call as long as any source makes it possible.
	UseLongest Use = "longest"
	// UseRecord: a member is in the call from AcceptTime to EndTime.
	UseRecord Use = "record"
	// UseReview: a person decides.
	UseReview Use = "review"
)

// Uses lists the ways to decide a disagreement.
var Uses = []Use{UseEarliestLeave, UseLongest, UseRecord, UseReview}

// Policy says what a disagreement is, and how it is decided.
type Policy struct {
	// Tolerance is how much time one source can have of a member that another does not
	// have, without a disagreement.
	Tolerance time.Duration
	// Sources is how many sources must have seen the call.
	Sources int
	Use     Use
}

// Problem is in what sources disagree with each other, with the record or with what is
// required.
type Problem string

// The problems. The first two are about the call, the others about one member.
const (
	// OneSource: fewer sources than required saw the call.
	OneSource Problem = "one_source"
	// NobodyJoined: the record says that the call was accepted, but no source saw
	// anybody but the caller in it.
	NobodyJoined Problem = "nobody_joined"
	// SourcesDiffer: a source has more time of the member than another, by more than
	// the tolerance.
	SourcesDiffer Problem = "sources_differ"
	// JoiningMissed: a source saw the member leave, but none saw the joining before it.
	JoiningMissed Problem = "joining_missed"
	// NeverLeft: sources saw the member join, but none saw the leaving after it.
	NeverLeft Problem = "never_left"
)

// Disagreement is a problem and how it was decided.
type Disagreement struct {
	Problem Problem `json:"problem"`
	// User is the member's account, empty if it is about the call.
	User    string `json:"user,omitempty"`
	Decided Use    `json:"decided"`
}
