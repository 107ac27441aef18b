package planted

import "aftercall/dev/faults/checker"

// Findings are the kinds of findings that the checker must have with each bug.
var Findings = map[string]string{
	"another-payer":                   checker.WrongPayer,
	"charged-as-of-now":               checker.WrongEnd,
	"charged-elsewhere":               checker.Extra,
	"claim-without-app":               checker.AcceptedEmpty,
	"confirm-before-start":            checker.AcceptedEmpty,
	"conflict-charged":                checker.Doubled,
	"event-of-another-payer":          checker.WrongPayer,
	"event-to-every-target":           checker.NotSubscribed,
	"evidence-not-awaited":            checker.Overlooked,
	"evidence-ok-before-kept":         checker.Overlooked,
	"evidence-unavailable-is-nothing": checker.Overlooked,
	"fails-in-the-end":                checker.Problem,
	"first-page-only":                 checker.Lost,
	"key-without-app":                 checker.Lost,
	"leaked-goroutine":                checker.Leaked,
	"member-left-ignored":             checker.WrongSum,
	"message-id-from-run":             checker.SeveralIDs,
	"message-id-without-app":          checker.ChangedBody,
	"no-sweep":                        checker.Lost,
	"no-unique-key":                   checker.Doubled,
	"notify-before-charge":            checker.Early,
	"ok-before-start":                 checker.AcceptedEmpty,
	"no-review-event":                 checker.NotNotified,
	"no-review-without-record":        checker.Lost,
	"repetition-adjusts-again":        checker.Extra,
	"reset-charges-again":             checker.Doubled,
	"stale-read":                      checker.Impossible,
	"swallowed-ledger-error":          checker.Lost,
	"unreadable-charged":              checker.Blind,
	"watermark-before-reading":        checker.Lost,
	"workflow-id-without-app":         checker.Lost,
}
