package ownconfig

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// variables are those that a file names.
type variables struct {
	lookup func(string) (string, bool)
	// used are those whose value is known, madeUp those of them that were not set.
	used   map[string]string
	madeUp map[string]bool
}

func newVariables(lookup func(string) (string, bool)) *variables {
	return &variables{lookup: lookup, used: map[string]string{}, madeUp: map[string]bool{}}
}

// value is a lookup for package config.
func (v *variables) value(name string) (string, bool) {
	value, ok := v.used[name]
	return value, ok
}

var variable = regexp.MustCompile(`(\$?)\$\{(\w+)\}`)

// find looks for variables in a node, which is at a path such as targets[].secrets[].
func (v *variables) find(node *yaml.Node, path string) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			v.find(node.Content[i+1], strings.TrimPrefix(path+"."+node.Content[i].Value, "."))
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			v.find(item, path+"[]")
		}
	default: // a scalar: a configuration has no aliases
		for _, found := range variable.FindAllStringSubmatch(node.Value, -1) {
			if escaped := found[1] != ""; !escaped {
				v.use(found[2], path, node.Value == found[0])
			}
		}
	}
}

// use gives a variable its value: that which is set, or one for the simulation if it
// is a secret or an address.
func (v *variables) use(name, path string, alone bool) {
	if value, ok := v.lookup(name); ok && value != "" {
		v.used[name] = value
		return
	}
	if _, ok := v.used[name]; ok {
		return
	}
	for _, form := range forms {
		if form.path.MatchString(path) && (alone || !form.whole) {
			v.used[name], v.madeUp[name] = form.make(sha256.Sum256([]byte(name))), true
			return
		}
	}
}

// forms are what secrets and addresses look like. All else, such as a price, is the
// user's to set. whole is for values that make no sense as a part of a longer text.
var forms = []struct {
	path  *regexp.Regexp
	whole bool
	make  func(seed [sha256.Size]byte) string
}{
	{regexp.MustCompile(`^targets\[\]\.secrets\[\]$`), true, webhookSecret},
	{regexp.MustCompile(`^evidence\.url$`), true, func([sha256.Size]byte) string { return "sqlite:stand-in.db" }},
	{regexp.MustCompile(`\.room_keys?(\[\])?$`), true, func(seed [sha256.Size]byte) string { return hex.EncodeToString(seed[:16]) }},
	{regexp.MustCompile(`(^|\.)(api|url|base_url)$`), true, func(seed [sha256.Size]byte) string {
		return "https://stand-in.example.com/" + hex.EncodeToString(seed[:4])
	}},
	{regexp.MustCompile(`\.mail\.server$`), true, func([sha256.Size]byte) string { return "stand-in.example.com:587" }},
	{regexp.MustCompile(`\.(secret_key|secrets?|tokens?|api_key|password|url|base_url)(\[\])?$`), false, func(seed [sha256.Size]byte) string {
		return hex.EncodeToString(seed[:])
	}},
}

func webhookSecret(seed [sha256.Size]byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(seed[:])
}

// expand fills in the variables of a text of the file.
func (l *Local) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		name := variable.FindStringSubmatch(found)
		if name[1] != "" {
			return found[1:]
		}
		return l.Variables[name[2]]
	})
}
