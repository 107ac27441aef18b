package scaling

import (
	stdbytes "bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/costs"
	"aftercall/dev/docsection"
	"aftercall/dev/local"
)

// The files that are written, relative to the project's folder.
const (
	DocumentFile = "docs/scaling.md"
	PictureFile  = "docs/images/burst.svg"
	// MachineFile has the table of one machine.
	MachineFile = "docs/deploy.md"
)

// burstRate is the usual rate of the deployment whose bursts are shown, and manyApps
// the apps of one whose requests to Tencent do not matter.
const burstRate, manyApps = 100, 10

// Plan is what the page computes.
type Plan struct {
	Inputs       Inputs
	Measurements []costs.Measurement
}

// ReadPlan reads the published measurements.
func ReadPlan(root string, in Inputs) (p Plan, err error) {
	p.Inputs = in
	p.Measurements, err = costs.Read(root)
	return p, err
}

// Find returns the measurement of a topology with certain indexes.
func (p Plan) Find(topology, indexes string) (costs.Measurement, error) {
	i := slices.IndexFunc(p.Measurements, func(m costs.Measurement) bool { return m.Topology == topology && m.Indexes == indexes })
	if i < 0 {
		return costs.Measurement{}, fmt.Errorf("%s has no measurement of %s with %s indexes: run `make bench ARGS=\"costs --topology %s --indexes %s --publish\"`",
			costs.File, topology, indexes, topology, indexes)
	}
	return p.Measurements[i], nil
}

// Bursts are those of the page: of deployments that are sized as its table says or
// smaller, and of one machine.
func (p Plan) Bursts() ([]Outcome, error) {
	cluster, err := p.Find(local.Cluster.Name, costs.Shipped)
	if err != nil {
		return nil, err
	}
	dev, err := p.Find(local.Dev.Name, costs.Shipped)
	if err != nil {
		return nil, err
	}
	in, rate, machine := p.Inputs, int64(burstRate), dev.BurnDownPerSecond
	apps := in.Size(cluster, rate).Apps
	var outcomes []Outcome
	for _, b := range []Burst{
		{fmt.Sprintf("sized for %d times the rate, %d apps", in.Peak, manyApps), rate, min(in.Capacity(rate), in.appCapacity(cluster, rate, manyApps))},
		{fmt.Sprintf("the same with %d apps", apps), rate, min(in.Capacity(rate), in.appCapacity(cluster, rate, apps))},
		{"half of the processors", rate, in.Capacity(rate) / 2},
		{"one machine", machine / burstFactor, machine},
		{"one machine, at twice that rate", machine * 2 / burstFactor, machine},
	} {
		outcomes = append(outcomes, b.Run())
	}
	return outcomes, nil
}

// appCapacity is for how many calls a second apps get records, besides their sweeps.
func (in Inputs) appCapacity(m costs.Measurement, rate, apps int64) int64 {
	return (apps*in.AppRequests*1000 - rate*in.sweepRequests()) / m.Requests.RecordAPI
}

// Sections are the generated parts of the page.
func (p Plan) Sections() ([]docsection.Section, error) {
	dev, err := p.Find(local.Dev.Name, costs.Shipped)
	if err != nil {
		return nil, err
	}
	shipped, err := p.Find(local.Cluster.Name, costs.Shipped)
	if err != nil {
		return nil, err
	}
	clusters := []costs.Measurement{shipped}
	for _, m := range p.Measurements {
		if m.Topology == local.Cluster.Name && m.Indexes != costs.Shipped {
			clusters = append(clusters, m)
		}
	}
	outcomes, err := p.Bursts()
	if err != nil {
		return nil, err
	}
	cluster, both := clusters[0], []costs.Measurement{dev, clusters[0]}
	section := func(name string, t table.Writer) docsection.Section {
		return docsection.Section{Name: name, Text: t.RenderMarkdown()}
	}
	return []docsection.Section{
		section("costs", Costs(both)),
		section("cpu", CPU(both)),
		section("inputs", p.Inputs.Table()),
		section("sizes", p.Inputs.Sizes(cluster, Rates)),
		section("cloud", p.Inputs.Clouds(cluster, Rates)),
		section("evidence", EvidenceTable()),
		section("apps", p.Inputs.Apps(cluster, appRates)),
		section("bursts", Bursts(outcomes)),
		section("indexes", Indexes(clusters)),
		{Name: "partial indexes", Text: "```sql\n" + costs.PartialIndexes + "```"},
	}, nil
}

// MachineSection is the table of one machine.
func (p Plan) MachineSection() (s docsection.Section, err error) {
	dev, err := p.Find(local.Dev.Name, costs.Shipped)
	return docsection.Section{Name: "one machine", Text: p.Inputs.Machines(dev).RenderMarkdown()}, err
}

// Picture is the plot of the bursts.
func (p Plan) Picture() ([]byte, error) {
	outcomes, err := p.Bursts()
	if err != nil {
		return nil, err
	}
	var picture stdbytes.Buffer
	err = WriteSVG(&picture, outcomes)
	return picture.Bytes(), err
}

// Publish writes the page and the picture.
func (p Plan) Publish(root string) error {
	sections, err := p.Sections()
	if err != nil {
		return err
	}
	picture, err := p.Picture()
	if err != nil {
		return err
	}
	machine, err := p.MachineSection()
	if err != nil {
		return err
	}
	if err := docsection.Update(filepath.Join(root, MachineFile), machine); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, PictureFile), picture, 0o644); err != nil {
		return err
	}
	return docsection.Update(filepath.Join(root, DocumentFile), sections...)
}
