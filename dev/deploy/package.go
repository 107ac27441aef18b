package main

import (
	"fmt"
	"os"
	"time"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
)

type chartCommand struct {
	Out     string    `help:"Folder for the archive, which is replaced." default:"dist/chart" type:"path"`
	Chart   string    `help:"The chart's folder." default:"dev/deploy/helm/aftercall" type:"existingdir"`
	Version string    `required:"" help:"Version of the chart, and of the image that it runs unless values name another."`
	Time    time.Time `required:"" help:"Time of the files in the archive: the same time and chart make the same bytes."`
}

// Run writes the archive that helm install takes.
func (c chartCommand) Run() error {
	chart, err := loader.LoadDir(c.Chart)
	if err != nil {
		return fmt.Errorf("load the chart: %w", err)
	}
	chart.Metadata.Version, chart.Metadata.AppVersion = c.Version, c.Version
	chart.StampModTimes(c.Time)
	if err := os.RemoveAll(c.Out); err != nil {
		return err
	}
	file, err := util.Save(chart, c.Out)
	if err != nil {
		return fmt.Errorf("package the chart: %w", err)
	}
	fmt.Println(file)
	return nil
}
