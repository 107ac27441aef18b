package tencent

// Code is an error code of the v4 REST API; 0 is success. The v1 API uses the
// same numbers with other meanings (v1 70003 means expired), so the two must not
// share a table. D:68926
type Code int

// Codes that this package or its callers refer to.
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

// Action is what the caller of the REST API should do after an error code.
type Action int

// The actions.
const (
	// ActionRetry: try again with the usual backoff.
	ActionRetry Action = iota
	// ActionNotYet: there is no record (101050). It may not exist yet, be too old,
	// belong to another region, or never appear: try again until the record
	// deadline.
	ActionNotYet
	// ActionSlowDown: try again with a longer backoff and jitter.
	ActionSlowDown
	// ActionRenewSig: make a new UserSig and try once more immediately.
	ActionRenewSig
	// ActionOperator: an operator must fix something at Tencent or in the
	// configuration. Alert, keep the call, and try again with a long backoff.
	ActionOperator
	// ActionNever: do not try again. The request is invalid, because of a bug or a
	// wrong CallId.
	ActionNever
)

// String returns the action's name in logs and metrics.
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

// Known reports whether this package handles the code explicitly.
func (c Code) Known() bool {
	switch c {
	case CodeOK, CodeTransport, CodeInternal, CodeConfigInternal, CodeNoCallback:
		return true
	default:
		return c.Action() != ActionRetry
	}
}

// Action returns what to do about the code. Undocumented codes are retried: a
// call that waits can still be charged, one that was dropped cannot.
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
