// Package pages gives tests the commands that README and docs tell people to type.
package pages

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Block is a fenced block of a page.
type Block struct {
	// Page is its path in the project, Line that of its first line.
	Page string
	Line int
	// Language is what follows the fence, such as sh or console.
	Language string
	Text     string
}

// Command is a simple command: a pipe or a list has several.
type Command struct {
	Page string
	Line int
	// Words are the program and its arguments, with every variable and substitution
	// replaced by Filler. Assignments and redirections are left out.
	Words []string
}

// Filler is what a variable is replaced by: a text that is a number, a path and a name.
const Filler = "1"

// Blocks returns the blocks of all pages for people. root is the project's folder.
func Blocks(t testing.TB, root string) (blocks []Block) {
	t.Helper()
	for _, p := range read(t, root) {
		blocks = append(blocks, p.blocks...)
	}
	return blocks
}

// Inline returns the commands in the text of all pages: code that begins with one of the
// words. Which of them are whole commands, and what to fill in, is up to the caller.
func Inline(t testing.TB, root string, programs ...string) (typed []Typed) {
	t.Helper()
	for _, p := range read(t, root) {
		for _, span := range p.spans {
			if program, _, more := strings.Cut(span.Script, " "); more && slices.Contains(programs, program) {
				typed = append(typed, span)
			}
		}
	}
	return typed
}

// page has the blocks of a page, and the code in its text.
type page struct {
	blocks []Block
	spans  []Typed
}

func read(t testing.TB, root string) (all []page) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, file := range append(files, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		name, err := filepath.Rel(root, file)
		require.NoError(t, err)
		all = append(all, parse(name, string(text)))
	}
	return all
}

var fence = regexp.MustCompile("^( *)```(.*)$")

func parse(name, text string) (p page) {
	var open *Block
	var paragraph []string
	indent := ""
	for i, line := range append(strings.Split(text, "\n"), "") {
		found := fence.FindStringSubmatch(line)
		switch {
		case open != nil && found != nil:
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		case found != nil:
			indent, open = found[1], &Block{Page: name, Line: i + 2, Language: strings.TrimSpace(found[2])}
		default:
			paragraph = append(paragraph, line)
		}
		if line == "" || found != nil || strings.HasPrefix(line, "|") { // code does not go on from a row of a table to the next
			p.addSpans(name, i+1, strings.Join(paragraph, " "))
			paragraph = nil
		}
	}
	return p
}

var code = regexp.MustCompile("`([^`]+)`")

// addSpans adds the code in a paragraph, which ends in that line.
func (p *page) addSpans(name string, line int, paragraph string) {
	for _, found := range code.FindAllStringSubmatch(paragraph, -1) {
		p.spans = append(p.spans, Typed{Page: name, Line: line, Script: strings.Join(strings.Fields(found[1]), " ")})
	}
}

// Typed is what a reader types at once.
type Typed struct {
	Page string
	Line int
	// Script are the commands, Printed what they print, if the page shows that.
	Script, Printed string
}

// Typed returns what a reader types: a block of sh at once, one of console command by
// command. Other blocks have nothing to type.
func (b Block) Typed() (typed []Typed) {
	if b.Language == "sh" {
		return []Typed{{Page: b.Page, Line: b.Line, Script: b.Text}}
	}
	if b.Language != "console" {
		return nil
	}
	for i, line := range strings.Split(b.Text, "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			typed = append(typed, Typed{Page: b.Page, Line: b.Line + i, Script: command})
		} else if len(typed) > 0 {
			typed[len(typed)-1].Printed += line + "\n"
		}
	}
	return typed
}

// Commands returns the simple commands of all pages: those of blocks, in order, and the
// targets of make and the tests that the text names.
func Commands(t testing.TB, root string) (commands []Command) {
	t.Helper()
	var all []Typed
	for _, block := range Blocks(t, root) {
		all = append(all, block.Typed()...)
	}
	for _, typed := range append(all, Inline(t, root, "make", "go")...) {
		found, err := commandsOf(typed.Script)
		require.NoError(t, err, "%s:%d", typed.Page, typed.Line)
		for _, c := range found {
			c.Page, c.Line = typed.Page, typed.Line+c.Line-1
			commands = append(commands, c)
		}
	}
	return commands
}

func commandsOf(script string) (commands []Command, err error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			command := Command{Line: int(call.Pos().Line())}
			for _, word := range call.Args {
				command.Words = append(command.Words, literal(word))
			}
			commands = append(commands, command)
		}
		return true
	})
	return commands, nil
}

// literal is a word without its quotes, with Filler for what a shell would fill in.
func literal(word *syntax.Word) string {
	var out bytes.Buffer
	for _, part := range word.Parts {
		writePart(&out, part)
	}
	return out.String()
}

func writePart(out *bytes.Buffer, part syntax.WordPart) {
	switch p := part.(type) {
	case *syntax.Lit:
		text, err := expand.Literal(nil, &syntax.Word{Parts: []syntax.WordPart{p}})
		if err != nil {
			text = p.Value
		}
		out.WriteString(text)
	case *syntax.SglQuoted:
		out.WriteString(p.Value)
	case *syntax.DblQuoted:
		for _, inner := range p.Parts {
			writePart(out, inner)
		}
	default:
		out.WriteString(Filler)
	}
}

// Split splits a text into words as a shell does, as the Makefile does with ARGS.
func Split(t testing.TB, text string) []string {
	t.Helper()
	commands, err := commandsOf("x " + text)
	require.NoError(t, err)
	require.Len(t, commands, 1, text)
	return commands[0].Words[1:]
}

// Arguments returns the arguments for a program: of its own command line, or of ARGS
// of a make target that runs it. ok is false for other commands, and for a target alone.
func (c Command) Arguments(t testing.TB, program string, targets map[string][]string) (args []string, ok bool) {
	t.Helper()
	if c.Words[0] == program || c.Words[0] == "bin/"+program {
		return c.Words[1:], true
	}
	if c.Words[0] != "make" || len(c.Words) < 2 {
		return nil, false
	}
	first, ok := targets[c.Words[1]]
	args = c.MakeArgs(t)
	return append(slices.Clone(first), args...), ok && len(args) > 0
}

// MakeArgs are the words of ARGS.
func (c Command) MakeArgs(t testing.TB) []string {
	t.Helper()
	for _, word := range c.Words[1:] {
		if value, ok := strings.CutPrefix(word, "ARGS="); ok {
			return Split(t, value)
		}
	}
	return nil
}

// RequireValid parses the documented command lines of a program with its grammar, and
// returns how many there are. targets are the make targets that run it, each with the
// arguments that the Makefile puts first; grammar returns a new struct for kong.
func RequireValid(t *testing.T, root, program string, targets map[string][]string, grammar func() any) (checked int) {
	t.Helper()
	for _, c := range Commands(t, root) {
		args, ok := c.Arguments(t, program, targets)
		if !ok {
			continue
		}
		parser, err := kong.New(grammar(), kong.Name(program), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
		require.NoError(t, err)
		_, err = parser.Parse(args)
		require.NoError(t, err, "%s:%d: %s", c.Page, c.Line, strings.Join(c.Words, " "))
		checked++
	}
	return checked
}
