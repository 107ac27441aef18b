package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxFileSize keeps a wrong path (a log, a disk image) from being read as YAML.
	maxFileSize = 1 << 20
	maxDepth    = 100
)

// Load reads the YAML file at path. lookup, usually os.LookupEnv, gives the
// variables that the file names. The error is an *Error with every problem.
func Load(path string, lookup func(string) (string, bool)) (*Config, error) {
	data, problem := read(path)
	if problem != "" {
		return nil, asError([]Problem{{File: path, Message: problem}})
	}
	return Parse(path, data, lookup)
}

func read(path string) (data []byte, problem string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, "there is no such file: docs/aftercall.example.yaml is one to begin with"
	case err == nil && info.IsDir():
		return nil, "is a folder: name the YAML file in it"
	case err == nil && info.Size() > maxFileSize:
		return nil, fmt.Sprintf("is larger than %d bytes: this cannot be the configuration", maxFileSize)
	}
	if data, err = os.ReadFile(path); err != nil { //nolint:gosec // the operator names the file
		return nil, fmt.Sprintf("cannot be read: %v", err)
	}
	return data, ""
}

// Parse is Load for a file that is already in memory; problems call it name.
func Parse(name string, data []byte, lookup func(string) (string, bool)) (*Config, error) {
	d := newDecoder(name, lookup)
	root := d.parse(bytes.TrimPrefix(data, []byte("\ufeff")))
	if root == nil {
		return nil, d.err()
	}
	config := &Config{variables: d.variables}
	d.value(root, reflect.ValueOf(config).Elem(), "")
	if !d.bad[""] && !d.full() {
		validator{decoder: d, config: config}.validate()
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	config.resolve()
	return config, nil
}

// quoted is text of the file in a message of the parser, which might be a secret.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// parse returns the tree of the one document in data, or nil after noting why not.
func (d *decoder) parse(data []byte) ast.Node {
	if line := tooDeep(data); line > 0 {
		d.add(&token.Position{Line: line, Column: 1}, "", "is not YAML that aftercall can read: more than %d levels are open here", maxDepth)
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if line := tooManyKeys(tokens); line > 0 {
		d.add(&token.Position{Line: line, Column: 1}, "", "has more than %d keys in one mapping, which ends here: this cannot be the configuration", maxKeys)
		return nil
	}
	file, err := parseYAML(tokens)
	if err != nil {
		var syntax *yaml.SyntaxError
		if !errors.As(err, &syntax) || syntax.Token == nil {
			// An error of an unknown kind might quote the file, secrets included.
			d.add(nil, "", "is not YAML")
			return nil
		}
		at := syntax.Token.Position
		d.add(at, "", "is not YAML: %s%s", quoted.ReplaceAllString(syntax.Message, "…"), flowAdvice(data, at))
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.add(nil, "", "is empty: docs/aftercall.example.yaml is one to begin with")
		return nil
	case 1:
		return bodies[0]
	default:
		d.add(position(bodies[1]), "", "a second document begins here: put everything into one, without ---")
		return nil
	}
}

// tooDeep returns the line where more levels are open than any configuration
// has, or 0. The parser's memory grows with the square of the depth.
func tooDeep(data []byte) int {
	depth := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
		if depth > maxDepth || bytes.Count(line, []byte("- ")) > maxDepth {
			return i + 1
		}
	}
	return 0
}

// parseYAML turns a panic of the parser on broken input into an error.
func parseYAML(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			file, err = nil, errors.New("the YAML parser failed")
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// flowAdvice helps with the most likely mistake: { and } end a plain scalar
// inside [ ] and { }, so a variable there needs quotes.
func flowAdvice(data []byte, at *token.Position) string {
	lines := strings.Split(string(data), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	line := lines[at.Line-1]
	if strings.Contains(line, "${") && strings.ContainsAny(strings.ReplaceAll(line, "${", ""), "[{") {
		return `; inside [ ] and { } put quotes around variables, as in ["${NAME}"]`
	}
	return ""
}
