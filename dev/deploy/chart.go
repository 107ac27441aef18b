package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// document is one Kubernetes object of the rendered chart, as YAML.
type document struct {
	kind, name, text string
}

// render renders the chart in a folder as `helm template` does.
func render(folder string, values map[string]any, release common.ReleaseOptions) ([]document, error) {
	chart, err := loader.LoadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("load the chart: %w", err)
	}
	all, err := util.ToRenderValues(chart, values, release, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, fmt.Errorf("render the chart: %w", err)
	}
	var documents []document
	for name, text := range files {
		if path.Ext(name) != ".yaml" {
			continue
		}
		for text := range strings.SplitSeq(text, "\n---\n") {
			d, err := parse(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if d.kind != "" {
				documents = append(documents, d)
			}
		}
	}
	slices.SortFunc(documents, func(a, b document) int { return strings.Compare(a.file(), b.file()) })
	return documents, nil
}

func parse(text string) (document, error) {
	var head struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	err := yaml.Unmarshal([]byte(text), &head)
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "---")) + "\n"
	return document{head.Kind, head.Metadata.Name, text}, err
}

// file is what the file of the document is called.
func (d document) file() string { return strings.ToLower(d.kind) + "-" + d.name + ".yaml" }

// readValues reads a file of values, or none if it has no name.
func readValues(file string) (map[string]any, error) {
	values := map[string]any{}
	if file == "" {
		return values, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return values, nil
}
