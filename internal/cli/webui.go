package cli

import (
	"fmt"

	"aftercall/internal/ops"
)

type webUIColumnsCommand struct{}

// Help explains by examples.
func (webUIColumnsCommand) Help() string {
	return `Prints JavaScript that gives the list of workflows in Temporal's Web UI the columns of calls: app, media, result, stage and
where they came from. Run it once in each browser, in the console (F12) of a page of the Web UI, and reload the page.
The namespace is that of the environment.

Examples:

  aftercall webui-columns
  aftercall webui-columns | wl-copy`
}

// Run prints the script.
func (webUIColumnsCommand) Run(p Process, d *ops.Deps) error {
	script, err := d.WebUIColumns()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(p.Stdout, script); err != nil {
		return fmt.Errorf("print the script: %w", err)
	}
	return nil
}
