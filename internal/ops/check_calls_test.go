package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/presence"
	"aftercall/starter/callback"
)

func TestJudgeAnswers(t *testing.T) {
	type minute = map[presence.Answer]int64
	accepted := presence.Answer{App: "clinic", Outcome: "started", Status: 200}
	unsigned := presence.Answer{App: "clinic", Outcome: callback.AnswerRefused, Status: 401}
	malformed := presence.Answer{App: "clinic", Outcome: callback.AnswerRefused, Status: 400}
	conflict := presence.Answer{App: "clinic", Outcome: callback.AnswerConflict, Status: 200}
	probe := presence.Answer{App: "clinic", Outcome: callback.AnswerProbe, Status: 200}
	unavailable := presence.Answer{App: "clinic", Outcome: callback.AnswerUnavailable, Status: 503}
	foreign := presence.Answer{App: "tutoring", Outcome: callback.AnswerRefused, Status: 401}
	const token, stranger, log, conflicts = "make apps[].callback.token", "someone else knows the URL", "docs/callback.md says", "someone else may know the URL"
	for name, c := range map[string]struct {
		minutes []minute
		status  FindingStatus
		detail  string
		cure    string
	}{
		"nothing":                    {[]minute{{}, {}}, FindingOK, "0 callbacks accepted in the last 2 minutes, none refused", ""},
		"all accepted":               {[]minute{{accepted: 2}, {accepted: 3, foreign: 9, probe: 1}}, FindingOK, "5 callbacks accepted in the last 2 minutes, none refused", ""},
		"all refused":                {[]minute{{}, {unsigned: 4}}, FindingFailed, "0 callbacks accepted in the last 2 minutes; 4 answered 401", token},
		"the token was changed":      {[]minute{{accepted: 200}, {accepted: 10, unsigned: 3}, {unsigned: 20}}, FindingFailed, "210 callbacks accepted in the last 3 minutes; 23 answered 401, and none accepted since", token},
		"changed, and none since":    {[]minute{{accepted: 200}, {unsigned: 1}, {probe: 1}}, FindingFailed, "200 callbacks accepted in the last 3 minutes; 1 answered 401, and none accepted since", token},
		"in the same minute":         {[]minute{{accepted: 1, unsigned: 1}}, FindingWarning, "1 callbacks accepted in the last 1 minutes; 1 answered 401", stranger},
		"a stranger among callbacks": {[]minute{{accepted: 9, unsigned: 1}, {unsigned: 1}, {accepted: 8}}, FindingWarning, "17 callbacks accepted in the last 3 minutes; 2 answered 401", stranger},
		"corrected":                  {[]minute{{unsigned: 20}, {accepted: 1}}, FindingWarning, "1 callbacks accepted in the last 2 minutes; 20 answered 401", stranger},
		"malformed":                  {[]minute{{malformed: 2}}, FindingWarning, "0 callbacks accepted in the last 1 minutes; 2 answered 400", log},
		"malformed among others":     {[]minute{{accepted: 1}, {malformed: 2}}, FindingWarning, "1 callbacks accepted in the last 2 minutes; 2 answered 400", conflicts},
		"Temporal was down":          {[]minute{{accepted: 1}, {unavailable: 2}}, FindingWarning, "1 callbacks accepted in the last 2 minutes; 2 answered 503", "Temporal did not answer"},
		"conflicts":                  {[]minute{{accepted: 1, conflict: 2}}, FindingWarning, "1 callbacks accepted in the last 1 minutes; 2 differed from the first callback of their call", conflicts},
	} {
		t.Run(name, func(t *testing.T) {
			detail, err := judgeAnswers(c.minutes, "clinic")
			f := newFinding("answers", "clinic", detail, err)
			require.Equal(t, c.status, f.Status)
			require.Equal(t, c.detail, f.Detail)
			require.Contains(t, f.Cure, c.cure)
			require.Equal(t, c.cure == "", f.Cure == "")
		})
	}
}
