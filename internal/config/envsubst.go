package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// errNotSet is for a ${VARIABLE} that is not set.
var errNotSet = errors.New("is not set or empty")

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// substitution is a scalar after its ${VARIABLE}s were filled in.
type substitution struct {
	text      string
	variables []string // in order of appearance; empty when text is literal
}

// substitute fills in every ${NAME} of text. $${ gives a literal ${. The
// value of a variable is used unchanged: it is neither parsed as YAML nor searched
// for variables. The error names every variable that is not set.
func substitute(text string, lookup func(string) (string, bool)) (substitution, error) {
	var out strings.Builder
	var result substitution
	var problems []error
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			out.WriteString(before)
			break
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(literal + "${")
			rest = after
			continue
		}
		out.WriteString(before)
		name, tail, closed := strings.Cut(after, "}")
		if !closed || !variableName.MatchString(name) {
			problems = append(problems, errors.New("${ must be followed by a variable's name and }, as in ${CRM_SECRET}; write $${ for a literal ${"))
			break
		}
		rest = tail
		value, ok := lookup(name)
		if !ok || value == "" {
			problems = append(problems, fmt.Errorf("environment variable %s %w: set it before the start", name, errNotSet))
			continue
		}
		result.variables = append(result.variables, name)
		out.WriteString(value)
	}
	result.text = out.String()
	return result, errors.Join(problems...)
}
