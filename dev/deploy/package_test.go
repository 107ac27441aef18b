package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

// TestPackage: the archive of a release has its version, runs its image, has everything
// that the folder renders, and is the same each time.
func TestPackage(t *testing.T) {
	command := chartCommand{Out: filepath.Join(t.TempDir(), "chart"), Chart: chartFolder, Version: "1.2.0", Time: time.Unix(1_800_000_000, 0)}
	require.NoError(t, command.Run())
	file := filepath.Join(command.Out, "aftercall-1.2.0.tgz")
	first, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, command.Run())
	second, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, first, second)

	chart, err := loader.LoadFile(file)
	require.NoError(t, err)
	values, err := readValues(chartFolder + "/ci/full.yaml")
	require.NoError(t, err)
	delete(values, "image")
	all, err := util.ToRenderValues(chart, values, common.ReleaseOptions{Name: "aftercall", Namespace: "billing", IsInstall: true}, nil)
	require.NoError(t, err)
	rendered, err := engine.Render(chart, all)
	require.NoError(t, err)
	require.Contains(t, rendered["aftercall/templates/worker.yaml"], "image: registry.example.com/aftercall:1.2.0\n")
	require.Contains(t, rendered["aftercall/templates/monitoring.yaml"], "AftercallLedgerFails", "the files of docs that it links to")
	for _, file := range chart.Raw {
		require.NotContains(t, file.Name, "ci/")
		require.True(t, command.Time.Equal(file.ModTime), "%s: the time of a checkout would be another one each time", file.Name)
	}

	command.Version = "next"
	require.ErrorContains(t, command.Run(), "version")
}
