package pages

import (
	"regexp"
	"strings"
)

// volatile is what differs from one run or place to another.
var volatile = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`/[0-9a-f]{8}-[0-9a-f-]{27}/history`), "/RUN/history"},
	{regexp.MustCompile(`\bId-\S+-O-Seq-\d+`), "REQUEST"},
	{regexp.MustCompile(`(postgres|sqlite|redis)://[^\s,]+`), "DATABASE"},
	{regexp.MustCompile(`https?://[^\s/]+`), "HOST"},
	{regexp.MustCompile(`/\S+\.yaml`), "FILE"},
	{regexp.MustCompile(`, \d+ GiB free`), ""},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(h|ms|m|µs|s))+\b`), "DURATION"},
	{regexp.MustCompile(`\d+(\.\d+)*`), "N"},
	{regexp.MustCompile(` {2,}`), "  "},
}

// Shape is what a command prints without what differs from one run or place to another:
// times, numbers, addresses, the space on a disk and the widths of columns.
func Shape(printed string) string {
	for _, v := range volatile {
		printed = v.pattern.ReplaceAllString(printed, v.name)
	}
	return strings.TrimSpace(printed)
}
