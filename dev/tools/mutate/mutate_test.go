package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const source = `package x

func f(a, b int) int {
	switch {
	case a > b && b != 0:
		return a - b
	}
	return a + b
}
`

func TestChangeCase(t *testing.T) {
	for name, tt := range map[string]struct {
		m    mutant
		want string // empty if it is not changed
	}{
		"boundary":           {mutant{Line: 5, Column: 9, Type: "CONDITIONALS_BOUNDARY"}, "case a >= b && b != 0:"},
		"negation":           {mutant{Line: 5, Column: 18, Type: "CONDITIONALS_NEGATION"}, "case a > b && b == 0:"},
		"no such change":     {mutant{Line: 5, Column: 18, Type: "CONDITIONALS_BOUNDARY"}, ""},
		"body of the case":   {mutant{Line: 6, Column: 12, Type: "ARITHMETIC_BASE"}, ""},
		"outside the switch": {mutant{Line: 8, Column: 11, Type: "ARITHMETIC_BASE"}, ""},
	} {
		changed, ok, err := changeCase([]byte(source), tt.m)
		if err != nil || ok != (tt.want != "") {
			t.Errorf("%s: changed %v, error %v", name, ok, err)
		}
		if !strings.Contains(string(changed), tt.want) {
			t.Errorf("%s: %q is not in:\n%s", name, tt.want, changed)
		}
	}
}

func TestDecode(t *testing.T) {
	mutants, err := decode([]byte(`{"files":[{"file_name":"list.go","mutations":[
		{"line":39,"column":34,"type":"CONDITIONALS_BOUNDARY","status":"LIVED"},
		{"line":39,"column":34,"type":"CONDITIONALS_NEGATION","status":"KILLED"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := count(mutants).String(); got != "1 killed, 0 timed out, 1 lived (50.0 % noticed), 0 not covered" {
		t.Error(got)
	}
	if got := mutants[0].String(); got != "list.go:39:34: lived CONDITIONALS_BOUNDARY: " {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	work := t.TempDir()
	g := gremlins{program: filepath.Join(work, "no-such-program"), work: work, source: work}
	if _, err := g.test(t.Context(), "./no/such/package"); err == nil {
		t.Error("no error for a package that does not exist")
	}
	if err := os.Mkdir(filepath.Join(work, "pkg"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := g.test(t.Context(), "./pkg"); err == nil {
		t.Error("no error without gremlins")
	}
	if err := run(t.Context(), nil); err == nil {
		t.Error("no error without packages")
	}
}
