package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const source = `package x

func f(a, b int) int {
	switch {
	case a > b && b != 0:
		return a - b
	}
	for i := -1; i < 0; i++ {
		a++
	}
	return a + b
}

func name(s string) string { return "name " + s }
`

const sourceTest = `package x

import "testing"

func TestF(t *testing.T) {
	if f(1, 2) != 4 {
		t.Fatal()
	}
	_ = name("")
}
`

func TestChange(t *testing.T) {
	for name, tt := range map[string]struct {
		m      mutant
		want   string
		inCase bool
	}{
		"boundary":           {mutant{Line: 5, Column: 9, Type: boundary}, "case a >= b && b != 0:", true},
		"negation":           {mutant{Line: 5, Column: 18, Type: negation}, "case a > b && b == 0:", true},
		"body of the case":   {mutant{Line: 6, Column: 12, Type: arithmetic}, "return a + b\n\t}", false},
		"negative":           {mutant{Line: 8, Column: 11, Type: arithmetic}, "i := +1;", false},
		"increment":          {mutant{Line: 8, Column: 23, Type: increment}, "i-- {", false},
		"outside the switch": {mutant{Line: 11, Column: 11, Type: arithmetic}, "return a - b\n}", false},
	} {
		op, err := findOperator([]byte(source), tt.m)
		if err != nil || op.inCase != tt.inCase {
			t.Errorf("%s: %+v, error %v", name, op, err)
			continue
		}
		if changed := string(change([]byte(source), tt.m, op)); !strings.Contains(changed, tt.want) {
			t.Errorf("%s: %q is not in:\n%s", name, tt.want, changed)
		}
	}
	for _, m := range []mutant{{Line: 1, Column: 1, Type: negation}, {Line: 5, Column: 18, Type: boundary}} {
		if op, err := findOperator([]byte(source), m); err == nil {
			t.Errorf("found %+v where none is", op)
		}
	}
}

// TestTogether nests mutants.
func TestTogether(t *testing.T) {
	const source = "package x\n\nvar y = a-b-1 <= -c && len(d) == 0\n\nfunc f() { i++ }\n"
	const want = "package x\n\nvar y = (mutateActive(4) != (mutate_CONDITIONALS_BOUNDARY_45(3, mutate_ARITHMETIC_BASE_13(2, mutate_ARITHMETIC_BASE_13(1, a,b),1) , mutateSign(5, c)))) && (mutateActive(6) != (len(d) == 0))\n\nfunc f() { mutate_INCREMENT_DECREMENT_37(7, &i) }\n"
	got, err := together("x.go", []byte(source), map[position]map[string]int{
		{3, 10}: {arithmetic: 1}, {3, 12}: {arithmetic: 2}, {3, 15}: {boundary: 3, negation: 4},
		{3, 18}: {arithmetic: 5}, {3, 31}: {negation: 6}, {5, 13}: {increment: 7},
	})
	if err != nil || string(got) != want {
		t.Errorf("error %v:\n%s", err, got)
	}
}

// module writes a module of one package.
func module(t *testing.T, test string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n\ngo 1.26\n", "x.go": source, "x_test.go": test} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTryAll(t *testing.T) {
	dir := module(t, sourceTest)
	want := []string{lived, killed, notCovered, killed, killed, notViable}
	mutants := []mutant{
		{Line: 5, Column: 18, Type: negation, Status: notCovered}, // in a case expression
		{Line: 5, Column: 9, Type: negation, Status: notCovered},
		{Line: 6, Column: 12, Type: arithmetic, Status: notCovered},
		{Line: 8, Column: 17, Type: negation},
		{Line: 11, Column: 11, Type: arithmetic},
		{Line: 14, Column: 45, Type: arithmetic}, // strings have no difference
	}
	for i := range mutants {
		mutants[i].File = "x.go"
	}
	if err := tryAll(t.Context(), dir, t.TempDir(), mutants); err != nil {
		t.Fatal(err)
	}
	for i, m := range mutants {
		if m.Status != want[i] {
			t.Errorf("%s, not %s", m, want[i])
		}
	}
}

// TestTestsThatHang has a loop that does not end, which the limit of time stops,
// and a program of its own for a mutant.
func TestTestsThatHang(t *testing.T) {
	dir := module(t, sourceTest)
	m := mutant{File: "x.go", Line: 8, Column: 23, Type: increment}
	for _, alone := range []bool{false, true} {
		try, err := newTrial(t.Context(), dir, t.TempDir(), []*mutant{&m})
		if err != nil {
			t.Fatal(err)
		}
		try.limit, try.alone[&m] = 2*time.Second, alone
		if err := try.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.Status != timedOut {
			t.Error(m)
		}
	}
}

func TestTestsMustPassWithoutAChange(t *testing.T) {
	dir := module(t, strings.Replace(sourceTest, "!= 4", "== 4", 1))
	err := tryAll(t.Context(), dir, t.TempDir(), []mutant{{File: "x.go", Line: 11, Column: 11, Type: arithmetic}})
	if err == nil || !strings.Contains(err.Error(), "do not pass without a change") {
		t.Error(err)
	}
}

func TestReport(t *testing.T) {
	mutants, err := decode([]byte(`{"files":[{"file_name":"list.go","mutations":[
		{"line":39,"column":34,"type":"CONDITIONALS_NEGATION","status":"LIVED"},
		{"line":39,"column":34,"type":"CONDITIONALS_BOUNDARY","status":"KILLED"},
		{"line":40,"column":1,"type":"ARITHMETIC_BASE","status":"NOT VIABLE"},
		{"line":40,"column":1,"type":"INVERT_NEGATIVES","status":"NOT VIABLE"},
		{"line":12,"column":3,"type":"INCREMENT_DECREMENT","status":"TIMED OUT"}]}]}`), "internal/sweep")
	if err != nil {
		t.Fatal(err)
	}
	c := counts{}
	c.add(mutants)
	if got := c.String(); got != "1 killed, 1 timed out, 1 lived (66.7 % noticed), 0 not covered, 1 do not compile" {
		t.Error(got)
	}
	inOrder(mutants)
	if got := mutants[0].String(); got != "internal/sweep/list.go:12:3: timed out INCREMENT_DECREMENT: " {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	source := t.TempDir()
	gremlins := filepath.Join(source, "no-such-program")
	if _, err := findMutants(t.Context(), gremlins, source, "./no/such/package"); err == nil {
		t.Error("no error for a package that does not exist")
	}
	if err := os.Mkdir(filepath.Join(source, "pkg"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := findMutants(t.Context(), gremlins, source, "./pkg"); err == nil {
		t.Error("no error without gremlins")
	}
	if err := run(t.Context(), nil); err == nil {
		t.Error("no error without packages")
	}
}
