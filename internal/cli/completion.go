package cli

import (
	"fmt"
	"os"
	"strings"
)

type completionCommand struct {
	Shell string `arg:"" name:"SHELL" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help explains by examples.
func (completionCommand) Help() string {
	return `Prints what the shell must run to complete commands, flags and values of this program.

Examples:

  source <(aftercall completion bash)       # in ~/.bashrc
  source <(aftercall completion zsh)        # in ~/.zshrc, after compinit
  aftercall completion fish | source        # in ~/.config/fish/config.fish`
}

// completionScripts let a shell ask this program, which answers where COMP_LINE
// is set. PROGRAM is its path.
var completionScripts = map[string]string{
	"bash": "complete -o default -C PROGRAM aftercall\n",
	"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -o default -C PROGRAM aftercall\n",
	"fish": `function __aftercall_complete
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct); and set COMP_LINE "$COMP_LINE "
    PROGRAM
end
complete -f -c aftercall -a "(__aftercall_complete)"
`,
}

// Run prints the script of a shell.
func (c completionCommand) Run(p Process) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if _, err := fmt.Fprint(p.Stdout, CompletionScript(c.Shell, path)); err != nil {
		return fmt.Errorf("print the script: %w", err)
	}
	return nil
}

// CompletionScript returns what a shell must run to complete the commands of the
// program at path. shell is bash, zsh or fish.
func CompletionScript(shell, path string) string {
	quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	return strings.ReplaceAll(completionScripts[shell], "PROGRAM", quoted)
}
