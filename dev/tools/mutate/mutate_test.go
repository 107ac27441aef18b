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
		if tt.want != "" {
			anywhere, ok, err := changeAny([]byte(source), tt.m)
			if err != nil || !ok || !strings.Contains(string(anywhere), tt.want) {
				t.Errorf("%s: changed %v anywhere, error %v:\n%s", name, ok, err, anywhere)
			}
		}
		changed, ok, err := changeCase([]byte(source), tt.m)
		if err != nil || ok != (tt.want != "") {
			t.Errorf("%s: changed %v, error %v", name, ok, err)
		}
		if !strings.Contains(string(changed), tt.want) {
			t.Errorf("%s: %q is not in:\n%s", name, tt.want, changed)
		}
	}
}

// TestTimedOutIsTriedAgain has a mutant that the test notices, and one that it
// does not, which a busy machine let time out.
func TestTimedOutIsTriedAgain(t *testing.T) {
	work := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module x\n", "x.go": source,
		"x_test.go": "package x\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n\tif f(1, 2) != 3 {\n\t\tt.Fatal()\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := gremlins{source: work}
	for want, m := range map[string]mutant{
		killed: {File: "x.go", Line: 8, Column: 11, Type: "ARITHMETIC_BASE", Status: timedOut},
		lived:  {File: "x.go", Line: 6, Column: 12, Type: "ARITHMETIC_BASE", Status: timedOut},
	} {
		if err := g.inspect(t.Context(), &m, minTimeout); err != nil {
			t.Fatal(err)
		}
		if m.Status != want {
			t.Errorf("%s is %s", m, m.Status)
		}
	}
	if text, err := os.ReadFile(filepath.Join(work, "x.go")); err != nil || string(text) != source {
		t.Errorf("the source is not as before: %v\n%s", err, text)
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
