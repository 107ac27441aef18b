package ops

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudgeLedger(t *testing.T) {
	for name, c := range map[string]struct {
		exposed string
		free    uint64
		known   bool
		status  FindingStatus
		detail  string
	}{
		"on a server":  {"", 0, false, FindingOK, "it takes a write"},
		"enough space": {"", fewBytes, true, FindingOK, "it takes a write, 1 GiB free"},
		"little space": {"", fewBytes - 1, true, FindingWarning, "it takes a write, but only 1023 MiB are free"},
		"without TLS":  {"without TLS", 0, false, FindingWarning, "it takes a write, but without TLS: others in the network could read and change it"},
	} {
		t.Run(name, func(t *testing.T) {
			detail, err := judgeLedger("it takes a write", c.exposed, c.free, c.known)
			f := newFinding(ledgerProbe, "", detail, err)
			require.Equal(t, c.status, f.Status)
			require.Equal(t, c.detail, f.Detail)
			require.Equal(t, c.status != FindingOK, f.Cure != "")
		})
	}
}
