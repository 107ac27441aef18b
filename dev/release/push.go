package main

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

type pushCommand struct {
	Layout string   `arg:"" help:"Folder with the OCI layout." type:"existingdir"`
	Images []string `arg:"" name:"image" help:"Where to push, as in registry.example.com/aftercall:1.2.0."`
}

// Run pushes the image with its SBOMs, and prints its name with the digest, to sign.
// Credentials are those of docker login.
func (c pushCommand) Run(ctx context.Context) error {
	index, err := readLayout(c.Layout)
	if err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	for _, image := range c.Images {
		tag, err := name.NewTag(image)
		if err != nil {
			return err
		}
		if err := remote.WriteIndex(tag, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
			return fmt.Errorf("push %s: %w", image, err)
		}
		fmt.Println(tag.Context().Digest(digest.String()))
	}
	return nil
}
