package billing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"aftercall/internal/tencent"
)

const (
	payerCaller      = "caller"
	payerFirstCallee = "first_callee"
	payerRoomOwner   = "room_owner"
)

// payerWords are what steps call who pays.
var payerWords = map[string]string{
	payerCaller:      "the caller",
	payerFirstCallee: "the first callee",
	payerRoomOwner:   "who opened the room",
	PayerNamed:       "the account that this person has named",
}

// payerFacts are the fields of templates.
type payerFacts struct {
	Caller, FirstCallee, RoomOwner, RoomID string
	// ownerProblem is why RoomOwner is empty.
	ownerProblem string
}

// samplePayer is what templates are tried with. Its texts are longer than those of Tencent.
var samplePayer = payerFacts{
	Caller: strings.Repeat("c", 128), FirstCallee: strings.Repeat("f", 128), RoomOwner: strings.Repeat("o", 128), RoomID: strings.Repeat("r", 128),
}

// payerFields are the names of the fields.
var payerFields = []string{"Caller", "FirstCallee", "RoomOwner", "RoomID"}

// payerFunctions are those of templates beside Go's own. What they give must stay the
// same: charges are computed again by them.
var payerFunctions = template.FuncMap{
	"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
	"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	// before and after give nothing if there is no separator.
	"before":     beforeFirst,
	"after":      afterFirst,
	notEmptyName: notEmpty,
}

func beforeFirst(separator, s string) string {
	before, _, found := strings.Cut(s, separator)
	if !found {
		return ""
	}
	return before
}

func afterFirst(separator, s string) string {
	_, after, _ := strings.Cut(s, separator)
	return after
}

// notEmptyName is a function that is added to every action of a template, so that an
// account is never put together with a part that is not known.
const notEmptyName = "_not_empty"

var errEmptyPart = errors.New("a part of it is empty")

func notEmpty(value any) (any, error) {
	if strings.TrimSpace(fmt.Sprint(value)) == "" {
		return nil, errEmptyPart
	}
	return value, nil
}

// payerChoice finds the account that pays: by a word, or by a template.
type payerChoice struct {
	is       string
	template *template.Template
	// asksOwner is set if it asks who opened the room.
	asksOwner bool
}

// newPayerChoice reads a word or template. The error says what to write instead.
func newPayerChoice(is string) (payerChoice, error) {
	choice := payerChoice{is: is, asksOwner: is == payerRoomOwner}
	words := []string{payerCaller, payerFirstCallee, payerRoomOwner}
	switch {
	case slices.Contains(words, is):
		return choice, nil
	case is == "":
		return choice, errors.New("is missing: write " + list(words, "or"))
	case !strings.Contains(is, "{{"):
		return choice, fmt.Errorf("%q is not known: write %s or a template, as in {{ .RoomID }}", shorten(is), strings.Join(words, ", "))
	}
	parsed, err := template.New("payer").Funcs(payerFunctions).Parse(is)
	if err == nil && len(parsed.Templates()) != 1 {
		err = errors.New("it can have no define and no block")
	}
	if err == nil {
		choice.template = parsed
		err = choice.check(parsed.Root)
	}
	if err == nil {
		_, err = choice.execute(&samplePayer)
		if errors.Is(err, errEmptyPart) { // which another call may have
			err = nil
		}
	}
	if err != nil {
		return choice, fmt.Errorf("is not a template that gives an account: %s", strings.TrimPrefix(err.Error(), "template: payer:"))
	}
	return choice, nil
}

// check permits texts, fields, functions and if, so that a template always ends, and adds
// to every action that it must give something.
func (c *payerChoice) check(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil { // there is no else
			return nil
		}
		for _, node := range n.Nodes {
			if err := c.check(node); err != nil {
				return err
			}
		}
		return nil
	case *parse.TextNode, *parse.CommentNode:
		return nil
	case *parse.ActionNode:
		err := c.pipe(n.Pipe)
		n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
			NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(notEmptyName).SetPos(n.Pos).SetTree(c.template.Tree)},
		})
		return err
	case *parse.IfNode:
		return errors.Join(c.pipe(n.Pipe), c.check(n.List), c.check(n.ElseList))
	default:
		return fmt.Errorf("it can have fields, functions and if, but not %s", shorten(n.String()))
	}
}

// pipe checks what an action or if computes.
func (c *payerChoice) pipe(p *parse.PipeNode) error {
	if len(p.Decl) > 0 {
		return errors.New("it can have no variables")
	}
	for _, command := range p.Cmds {
		for _, arg := range command.Args {
			if err := c.argument(arg); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *payerChoice) argument(arg parse.Node) error {
	switch arg := arg.(type) {
	case *parse.PipeNode:
		return c.pipe(arg)
	case *parse.FieldNode:
		if len(arg.Ident) != 1 || !slices.Contains(payerFields, arg.Ident[0]) {
			return fmt.Errorf("%s is not a field: write .%s", shorten(arg.String()), strings.Join(payerFields, ", ."))
		}
		c.asksOwner = c.asksOwner || arg.Ident[0] == "RoomOwner"
		return nil
	case *parse.IdentifierNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return nil
	default:
		return fmt.Errorf("it can have fields, functions and texts, but not %s", shorten(arg.String()))
	}
}

// execute is the text that the template gives.
func (c *payerChoice) execute(facts *payerFacts) (string, error) {
	var text strings.Builder
	if err := c.template.Execute(&text, facts); err != nil {
		return "", err
	}
	return strings.TrimSpace(text.String()), nil
}

// account is who pays. problem is why that is not known; it names no account.
func (c *payerChoice) account(facts *payerFacts) (account, problem string) {
	switch c.is {
	case payerCaller:
		account, problem = facts.Caller, "Caller_Account is empty"
	case payerFirstCallee:
		account, problem = facts.FirstCallee, "the record has no member other than the caller"
	case payerRoomOwner:
		account, problem = facts.RoomOwner, facts.ownerProblem
	default:
		problem = "the template of the payer gives no account for this call"
		if facts.ownerProblem != "" {
			problem += " (" + facts.ownerProblem + ")"
		}
		account, _ = c.execute(facts) // a text that is not complete is none
	}
	if account == "" {
		return "", problem
	}
	var bad *tencent.FieldError
	if errors.As(tencent.ValidateAccount("", account), &bad) {
		return "", "the account of the payer " + bad.Problem
	}
	return account, ""
}
