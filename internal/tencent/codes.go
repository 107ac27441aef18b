package tencent

// Code is an error code of the v4 REST API; 0 is success. The v1 generation
// uses the same numbers for other things (v1 70003 means expired), so the two
// must never share a table. D:68926
type Code int

// Codes that this package or its callers name.
const (
	CodeOK             Code = 0
	CodeRecordNotFound Code = 101050
	CodeInternal       Code = 101001
	CodeInvalidParam   Code = 101002
	CodeConfigInternal Code = 100001
	CodeConfigInvalid  Code = 100002
	CodeNoCallback     Code = 100301
	CodeUserSigExpired Code = 70001
)

// Action is what a caller of the REST API should do about a code.
type Action int

// The actions, in the words of the operations guide.
const (
	// ActionRetry asks for another attempt with the usual backoff.
	ActionRetry Action = iota
	// ActionNotYet is 101050: not yet, too old, wrong region or never. Only a
	// deadline tells these apart.
	ActionNotYet
	// ActionSlowDown asks for a longer, jittered backoff.
	ActionSlowDown
	// ActionRenewSig asks for a new UserSig and one attempt at once.
	ActionRenewSig
	// ActionOperator needs a person: alarm, long backoff, drop nothing.
	ActionOperator
	// ActionNever marks a request that can never succeed: our bug or a bad CallId.
	ActionNever
)

// String names the action for logs and metrics.
func (a Action) String() string {
	switch a {
	case ActionNotYet:
		return "not_yet"
	case ActionSlowDown:
		return "slow_down"
	case ActionRenewSig:
		return "renew_sig"
	case ActionOperator:
		return "operator"
	case ActionNever:
		return "never"
	default:
		return "retry"
	}
}

// Known reports whether the code is one of those that this package expects.
func (c Code) Known() bool {
	switch c {
	case CodeOK, CodeTransport, CodeInternal, CodeConfigInternal, CodeNoCallback:
		return true
	default:
		return c.Action() != ActionRetry
	}
}

// Action classifies the code. Codes that Tencent does not document are
// retried: a call that waits can still be charged, a call that is dropped cannot.
func (c Code) Action() Action {
	switch c {
	case CodeRecordNotFound:
		return ActionNotYet
	case CodeInvalidParam, CodeConfigInvalid, 60002, 60003, 60009, 60012, 60015:
		return ActionNever
	case 60007, 60011, 60018, 60019:
		return ActionSlowDown
	case CodeUserSigExpired:
		return ActionRenewSig
	case 60004, 60005, 60006, 60010, 60016, 60017, 60020, 60021, 60025, 60026, 60027, 60028,
		70003, 70009, 70013, 70014, 70016, 70020, 70050:
		return ActionOperator
	default:
		return ActionRetry
	}
}
