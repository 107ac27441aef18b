package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
)

// inSecrets is in every secret of the environment, and in no example: an input that has it
// where a name belongs, which messages quote, would be no finding.
const inSecrets = "zyqxwv"

// FuzzParse: a file is either a configuration with which a worker can charge, or gives
// problems that say where they are and name no secret.
func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	example, err := os.ReadFile(exampleFile)
	require.NoError(f, err)
	f.Add(example)
	environ := environment()
	for name, value := range environ {
		environ[name] = strings.ReplaceAll(value, "canary", inSecrets)
	}
	lookup := lookupIn(environ)
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := config.Parse("fuzz.yaml", data, lookup)
		require.Equal(t, cfg == nil, err != nil, "either a configuration or an error")
		if err != nil {
			var bad *config.Error
			require.True(t, errors.As(err, &bad), "%v", err)
			require.NotEmpty(t, bad.Problems)
			require.NotContains(t, err.Error(), inSecrets)
			if !fuzzing {
				require.NotContains(t, err.Error(), "canary", "the inputs that are kept have it in secrets only")
			}
			lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
			for _, p := range bad.Problems {
				require.Equal(t, "fuzz.yaml", p.File)
				require.NotEmpty(t, p.Message)
				require.LessOrEqual(t, p.Line, lines, "%s", p)
				require.GreaterOrEqual(t, p.Line, 0, "%s", p)
				require.Equal(t, -1, strings.IndexFunc(p.String(), func(r rune) bool { return unicode.IsControl(r) && r != '\t' }), "%q", p.String())
			}
			_, again := config.Parse("fuzz.yaml", data, lookup)
			require.EqualError(t, again, err.Error())
			return
		}
		require.NotEmpty(t, cfg.Apps)
		for i := range cfg.Apps {
			app := &cfg.Apps[i]
			_, err := app.Rater()
			require.NoError(t, err)
			found, ok := cfg.App(app.SDKAppID)
			require.True(t, ok)
			require.Equal(t, app.Name, found.Name, "no two apps have an SDKAppID")
		}
	})
}
