package config

import (
	"maps"
	"slices"
	"strings"
)

// TariffNames are names of tariffs.
type TariffNames []string

// UnmarshalText reads names with commas between them.
func (n *TariffNames) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}

// AcceptEditedVariable names the tariffs that a worker uses although they were edited.
const AcceptEditedVariable = "AFTERCALL_ACCEPT_EDITED_TARIFF"

// AcceptedTariffs are the names in AcceptEditedVariable.
func AcceptedTariffs(environ map[string]string) TariffNames {
	var names TariffNames
	_ = names.UnmarshalText([]byte(environ[AcceptEditedVariable])) // it takes every text
	return names
}

// problems are names that the file does not have.
func (n TariffNames) problems(file *Config) []Problem {
	var all []Problem
	for _, name := range n {
		if _, known := file.Tariffs[name]; !known {
			all = append(all, Problem{Key: AcceptEditedVariable, Message: unknownName("tariff", name, slices.Collect(maps.Keys(file.Tariffs)))})
		}
	}
	return all
}
