// Package active says which planted bug is on. Only patched sources import it; see
// package planted.
package active

import "os"

// Variable names the bug.
const Variable = "AFTERCALL_PLANTED_BUG"

// Bug reports whether the bug with this name is on.
func Bug(name string) bool { return os.Getenv(Variable) == name }
