package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// sbomType is the media type of the SBOM.
const sbomType = "application/vnd.cyclonedx+json"

type sbomCommand struct {
	Program string `arg:"" help:"A program that Go has built." type:"existingfile"`
	Out     string `required:"" help:"File for the SBOM." type:"path"`
}

// Run writes the SBOM.
func (c sbomCommand) Run() error {
	info, err := buildinfo.ReadFile(c.Program)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := (program{name: aftercall, info: info}).writeSBOM(&out); err != nil {
		return err
	}
	return os.WriteFile(c.Out, out.Bytes(), 0o644)
}

// writeSBOM writes the modules that are in the program, as the linker has recorded
// them. It has no serial number and no time, so that a second build writes the same.
func (p program) writeSBOM(w io.Writer) error {
	main := cyclonedx.Component{
		BOMRef: p.name, Type: cyclonedx.ComponentTypeApplication, Name: p.name, Version: p.version(),
		PackageURL: packageURL(p.info.Main.Path, p.version()),
	}
	goVersion := p.info.GoVersion
	components := []cyclonedx.Component{library("stdlib", goVersion, "")}
	for _, module := range p.info.Deps {
		used := cmp.Or(module.Replace, module)
		components = append(components, library(used.Path, used.Version, used.Sum))
	}
	refs := make([]string, len(components))
	for i, c := range components {
		refs[i] = c.BOMRef
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &main}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	return cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

func library(path, version, sum string) cyclonedx.Component {
	c := cyclonedx.Component{
		BOMRef: packageURL(path, version), Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version,
		PackageURL: packageURL(path, version), Scope: cyclonedx.ScopeRequired,
	}
	if sum != "" {
		c.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: sum}}
	}
	return c
}

func packageURL(path, version string) string { return fmt.Sprintf("pkg:golang/%s@%s", path, version) }

// sbomArtifact is the SBOM as registries keep it, with a reference to its image.
func (p program) sbomArtifact(subject v1.Descriptor) (v1.Image, error) {
	var out bytes.Buffer
	if err := p.writeSBOM(&out); err != nil {
		return nil, err
	}
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), sbomType)
	artifact, err := mutate.AppendLayers(artifact, static.NewLayer(out.Bytes(), sbomType))
	if err != nil {
		return nil, err
	}
	referring, ok := mutate.Subject(artifact, subject).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("%T is not an image", artifact)
	}
	return referring, nil
}
