package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// programFolder is where the image has its program, stateFolder where it may write
	// if a volume is mounted there, and user who runs it. The user has no name.
	programFolder = "/usr/local/bin/"
	stateFolder   = "/var/lib/aftercall"
	user          = 65532
)

type imageCommand struct {
	Out       string   `required:"" help:"Folder for the OCI layout, which is replaced." type:"path"`
	Program   string   `help:"What the image runs: aftercall, or the simulator for a first look." enum:"aftercall,simulator" default:"aftercall"`
	Platforms []string `name:"platform" help:"Platforms to build for." default:"linux/amd64,linux/arm64"`
}

// Run builds an image for each platform, with the SBOM of each, in one index.
func (c imageCommand) Run(ctx context.Context, all *commands) error {
	folder, err := os.MkdirTemp("", "aftercall-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, name := range c.Platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return err
		}
		p, err := build(ctx, all.Root, folder, c.Program, *platform)
		if err != nil {
			return err
		}
		if index, err = p.appendTo(index); err != nil {
			return fmt.Errorf("image for %s: %w", name, err)
		}
	}
	if err := os.RemoveAll(c.Out); err != nil {
		return err
	}
	if err := writeLayout(c.Out, index); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Println(c.Out, digest)
	return nil
}

// writeLayout writes an image as the only entry of a layout: skopeo and podman read no
// layout with an entry for each platform.
func writeLayout(folder string, image v1.ImageIndex) error {
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(image)
}

// readLayout returns what writeLayout has written.
func readLayout(folder string) (v1.ImageIndex, error) {
	entries, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	manifest, err := entries.IndexManifest()
	if err != nil {
		return nil, err
	}
	if n := len(manifest.Manifests); n != 1 {
		return nil, fmt.Errorf("%s: index.json has %d entries, not one", folder, n)
	}
	return entries.ImageIndex(manifest.Manifests[0].Digest)
}

// appendTo appends the image of p and its SBOM, which refers to it.
func (p program) appendTo(index v1.ImageIndex) (v1.ImageIndex, error) {
	image, err := p.image()
	if err != nil {
		return nil, err
	}
	descriptor, err := describe(image)
	if err != nil {
		return nil, err
	}
	bom, err := p.sbomArtifact(descriptor)
	if err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	descriptor.Platform = &p.platform
	return mutate.AppendManifests(
		index,
		mutate.IndexAddendum{Add: image, Descriptor: descriptor},
		mutate.IndexAddendum{Add: bom, Descriptor: v1.Descriptor{ArtifactType: sbomType}},
	), nil
}

func describe(image v1.Image) (v1.Descriptor, error) {
	digest, err := image.Digest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	size, err := image.Size()
	return v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size}, err
}

// image is the program on an otherwise empty file system. The layer below it
// changes only with the certificates.
func (p program) image() (v1.Image, error) {
	content, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	certificates, err := certificates()
	if err != nil {
		return nil, err
	}
	base, err := layerOf(baseFiles(certificates))
	if err != nil {
		return nil, err
	}
	files := []file{{path: programFolder + p.name, mode: 0o755, content: content}}
	for _, name := range otherNames[p.name] {
		files = append(files, file{path: programFolder + name, mode: 0o777, target: p.name})
	}
	top, err := layerOf(files)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(
		image,
		mutate.Addendum{Layer: base, History: v1.History{CreatedBy: "certificates, users and folders", Created: v1.Time{Time: p.time()}}},
		mutate.Addendum{Layer: top, History: v1.History{CreatedBy: "go build", Created: v1.Time{Time: p.time()}}},
	)
	if err != nil {
		return nil, err
	}
	labels := p.labels()
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.platform.OS, p.platform.Architecture, p.platform.Variant
	config.Created = v1.Time{Time: p.time()}
	config.Config = v1.Config{
		Entrypoint: []string{programFolder + p.name},
		User:       strconv.Itoa(user) + ":" + strconv.Itoa(user), WorkingDir: stateFolder,
		Env:    []string{"PATH=" + path.Clean(programFolder)},
		Labels: labels,
	}
	if p.name == aftercall {
		config.Config.Cmd, config.Config.ExposedPorts = []string{"--help"}, map[string]struct{}{"8080/tcp": {}}
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(image, labels).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("%T is not an image", image)
	}
	return annotated, nil
}

// labels leave out what is unknown, as in a source tree without git.
func (p program) labels() map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":       p.name,
		"org.opencontainers.image.description": descriptions[p.name],
		"org.opencontainers.image.version":     p.version(),
		"org.opencontainers.image.created":     p.time().Format(time.RFC3339),
	}
	if revision := p.setting("vcs.revision"); revision != "" {
		labels["org.opencontainers.image.revision"] = revision
	}
	return labels
}
