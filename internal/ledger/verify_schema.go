package ledger

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// schemas are what the migrations make of a new database: for each engine a line
// for each object, with its definition. go test ./internal/ledger -update writes them.
//
//go:embed schema
var schemas embed.FS

// schemaObject is something that keeps the ledger append-only.
type schemaObject struct{ name, definition string }

// removesGuards are the objects that can take the effect of others away, if they are
// not those of the migrations. Tables and columns of others do no harm.
var removesGuards = []string{"trigger ", "rule ", "row security "}

// expectedSchema is the schema of this release.
func (e *engine) expectedSchema() ([]schemaObject, error) {
	text, err := schemas.ReadFile("schema/" + e.name + ".txt")
	if err != nil {
		return nil, err
	}
	var objects []schemaObject
	for line := range strings.Lines(string(text)) {
		name, definition, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		objects = append(objects, schemaObject{name, definition})
	}
	return objects, nil
}

// schemaOf reads what the database has.
func (e *engine) schemaOf(ctx context.Context, q querier) ([]schemaObject, error) {
	var objects []schemaObject
	err := each(ctx, q, e.schema, nil, func(scan func(...any) error) error {
		var o schemaObject
		err := scan(&o.name, &o.definition)
		o.definition = plainSQL(o.definition)
		objects = append(objects, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read the schema: %w", err)
	}
	slices.SortFunc(objects, func(a, b schemaObject) int { return strings.Compare(a.name, b.name) })
	return objects, nil
}

var sqlComment = regexp.MustCompile(`--[^\n]*`)

// plainSQL is a definition in one line and without comments.
func plainSQL(text string) string {
	return strings.Join(strings.Fields(sqlComment.ReplaceAllString(text, "")), " ")
}

// schema compares what keeps the ledger append-only with what this release makes.
func (v *verifier) schema(ctx context.Context, e *engine) error {
	expected, err := e.expectedSchema()
	if err != nil {
		return err
	}
	found, err := e.schemaOf(ctx, v.snapshot)
	if err != nil {
		return err
	}
	has := map[string]string{}
	for _, o := range found {
		has[o.name] = o.definition
	}
	for _, want := range expected {
		switch definition, ok := has[want.name]; {
		case !ok:
			v.reportKind(FindingSchema, nil, "the %s is missing: the ledger is not guarded by it", want.name)
		case definition != want.definition:
			v.reportKind(FindingSchema, nil, "the %s was replaced: it is %q, not %q", want.name, definition, want.definition)
		}
		delete(has, want.name)
	}
	for _, o := range found {
		if _, unexpected := has[o.name]; unexpected && slices.ContainsFunc(removesGuards, func(kind string) bool { return strings.HasPrefix(o.name, kind) }) {
			v.reportKind(FindingSchema, nil, "the %s is not of this release: it is %q", o.name, o.definition)
		}
	}
	return nil
}
