package statement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// maxNameLength is how long the part of a file's name may be that is made from the
// payer: file systems allow names of 255 bytes.
const maxNameLength = 150

// FileName is the name of the file for the statement of a payer. Different payers have
// different names, also where upper and lower case are the same, and no name leaves
// its folder or is one that a system reserves: what is not a lower case letter, a
// digit or a hyphen is an underscore and two hexadecimal digits. A long name is cut
// and ends in a hash; the two underscores before it are in no other name.
func FileName(payer, month string, f Format) string {
	var b strings.Builder
	for _, c := range []byte(payer) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	name := b.String()
	if len(name) > maxNameLength {
		hash := sha256.Sum256([]byte(payer))
		name = name[:maxNameLength-2*len(hash)-2] + "__" + hex.EncodeToString(hash[:])
	}
	return prefix(month) + name + suffix(f)
}

func prefix(month string) string { return "statement-" + month + "-" }

// suffix is the ending of a name.
func suffix(f Format) string {
	if f == Text {
		return ".txt"
	}
	return "." + string(f)
}

// ownName matches the names of statements, and of what an interrupted run left.
var ownName = regexp.MustCompile(`^statement-\d{4}-\d{2}-[a-z0-9_-]*\.(txt|csv|json|html)$|^` + unfinished + `[0-9]+$`)
