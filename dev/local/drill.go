package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Drill runs a block of commands of docs/ledger.md with the ledger of the stack.
func (s *Stack) Drill(ctx context.Context, bin, folder, name string) error {
	return Drill(ctx, s.options.Root, s.Environ(), bin, folder, name)
}

// Drill runs a block of commands of docs/ledger.md with the ledger of an environment. The
// folder bin has aftercall, the backup and the damaged ledger are in folder.
func Drill(ctx context.Context, root string, environ map[string]string, bin, folder, name string) error {
	text, err := os.ReadFile(filepath.Join(root, "docs", "ledger.md"))
	if err != nil {
		return err
	}
	block := regexp.MustCompile("(?s)<!-- drill: " + regexp.QuoteMeta(name) + " -->\n *```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		return fmt.Errorf("docs/ledger.md has no drill %q", name)
	}
	sh := exec.CommandContext(ctx, "sh", "-eu", "-c", string(block[1]))
	sh.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "BACKUP="+filepath.Join(folder, "copy"),
		"LEDGER="+strings.TrimPrefix(environ["LEDGER_URL"], "sqlite:"), "DAMAGED="+filepath.Join(folder, "damaged"))
	for name, value := range environ {
		sh.Env = append(sh.Env, name+"="+value)
	}
	if out, err := sh.CombinedOutput(); err != nil {
		return fmt.Errorf("drill: %s: %w: %s", name, err, out)
	}
	return nil
}
