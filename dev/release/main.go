// Command release makes what is released besides the programs: images, man page,
// completions, SBOMs and release notes. `make image` and `make release` call it.
package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Root string `help:"The project's folder." default:"." type:"existingdir"`

	Image  imageCommand  `cmd:"" help:"Build the image into a folder with an OCI layout."`
	Push   pushCommand   `cmd:"" help:"Push the image to registries."`
	SBOM   sbomCommand   `cmd:"" name:"sbom" help:"Write which modules are in a program, as CycloneDX."`
	Manual manualCommand `cmd:"" help:"Write the man page and the completions."`
	Notes  notesCommand  `cmd:"" help:"Print what CHANGELOG.md says about a version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &commands{}
	command := kong.Parse(c, kong.Name("release"), kong.Description("Makes what is released besides the programs."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run(c))
}
