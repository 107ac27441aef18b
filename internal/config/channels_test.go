package config_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/notify"
	"aftercall/internal/testenv"
)

const notificationsFile = "../../docs/notifications.md"

// TestChannelsOfTheDocumentation: a channel is documented by its line in the
// table of targets, and by a section with its example, which must be a valid
// target.
func TestChannelsOfTheDocumentation(t *testing.T) {
	data, err := os.ReadFile(notificationsFile)
	require.NoError(t, err)
	var rows []string
	for _, channel := range notify.Channels() {
		rows = append(rows, fmt.Sprintf("| [`%s`](#%s) | %s |", channel.Type, channel.Type, channel.Doc))

		cfg, err := config.Parse("example.yaml", []byte(validApps+"targets:\n"+channel.Example+validTariffs), lookupIn(environment()))
		require.NoError(t, err, channel.Type)
		require.Len(t, cfg.Targets, 1)
		require.Equal(t, channel.Type, cfg.Targets[0].Type)
		require.Contains(t, string(data), fmt.Sprintf("\n### %s\n\n```yaml\n%s```\n", channel.Type, channel.Example),
			"%s has no section that begins with the example of the channel", notificationsFile)
	}
	testenv.RequireTable(t, notificationsFile, "Targets", rows)
}

func TestExampleFileHasEveryChannel(t *testing.T) {
	cfg, err := config.Load(exampleFile, lookupIn(environment()))
	require.NoError(t, err)
	var missing []notify.Type
	for _, channel := range notify.Types() {
		if !slices.ContainsFunc(cfg.Targets, func(t config.Target) bool { return t.Type == channel }) {
			missing = append(missing, channel)
		}
	}
	require.Empty(t, missing, "add a target of each to %s", exampleFile)
}
