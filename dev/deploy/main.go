// Command deploy packages the Helm chart, and writes what Kubernetes needs without Helm.
// `make chart` and `make manifests` call it.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"helm.sh/helm/v4/pkg/chart/common"
	"sigs.k8s.io/yaml"
)

type commands struct {
	Chart     chartCommand     `cmd:"" help:"Package the Helm chart as an archive."`
	Manifests manifestsCommand `cmd:"" help:"Write the Helm chart's objects as a base for kustomize."`
}

type manifestsCommand struct {
	Out       string `required:"" help:"Folder to write, which is replaced." type:"path"`
	Chart     string `help:"The chart's folder." default:"dev/deploy/helm/aftercall" type:"existingdir"`
	Values    string `help:"Values for the chart." type:"existingfile" default:"dev/deploy/helm/aftercall/ci/minimal.yaml"`
	Name      string `help:"Name of the release, with which every name begins." default:"aftercall"`
	Namespace string `help:"Namespace of the objects." default:"aftercall"`
}

func main() {
	slog.SetLogLoggerLevel(slog.LevelWarn) // Helm reports the links in the chart
	command := kong.Parse(&commands{}, kong.Name("deploy"), kong.Description("Makes what Kubernetes needs, with and without Helm."))
	command.FatalIfErrorf(command.Run())
}

// Run writes a file for each object, and the kustomization.yaml that lists them.
func (c manifestsCommand) Run() error {
	values, err := readValues(c.Values)
	if err != nil {
		return err
	}
	documents, err := render(c.Chart, values, common.ReleaseOptions{Name: c.Name, Namespace: c.Namespace, IsInstall: true})
	if err != nil {
		return err
	}
	kustomization := map[string]any{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": c.Namespace}
	var resources []string
	if err := os.RemoveAll(c.Out); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	for _, d := range documents {
		if strings.Contains(d.text, "helm.sh/hook") {
			continue // only Helm runs it
		}
		resources = append(resources, d.file())
		if err := os.WriteFile(filepath.Join(c.Out, d.file()), []byte(d.text), 0o644); err != nil {
			return err
		}
	}
	kustomization["resources"] = resources
	text, err := yaml.Marshal(kustomization)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Out, "kustomization.yaml"), text, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d objects for kubectl apply -k\n", c.Out, len(resources))
	return nil
}
