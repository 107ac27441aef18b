package tencent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	for code, words := range map[Code][2]string{
		0:      {"success", "nothing"},
		101050: {"no record", "seven days"},
		100301: {"no callback", "aftercall callback set"},
		70001:  {"expired", "clock"},
		70003:  {"another key", "secret_key"},
		70009:  {"another key", "secret_key"},
		70013:  {"another account", "identifier"},
		70020:  {"does not exist", "sdk_app_id"},
		60010:  {"administrator", "identifier"},
		60026:  {"region", "apps[].api"},
		60007:  {"too many", "wait"},
		60021:  {"refuses", "IP address"},
		60002:  {"does not understand", "RequestId"},
		100002: {"configuration", "public"},
		101002: {"does not accept", "CallId"},
		101001: {"internal error", "again"},
		4711:   {"internal error", "again"},
	} {
		meaning, remedy := code.Explain()
		require.Contains(t, meaning, words[0], code)
		require.Contains(t, remedy, words[1], code)
	}
}
