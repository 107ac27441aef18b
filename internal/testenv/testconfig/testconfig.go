// Package testconfig builds configuration files for tests and the benchmark.
package testconfig

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
)

// Map is a mapping in YAML.
type Map = map[string]any

// Config is a configuration file. docs/configuration.md describes its keys.
type Config struct {
	Apps    []Map `yaml:"apps"`
	Targets []Map `yaml:"targets,omitempty"`
	// Tariffs by name.
	Tariffs Map `yaml:"tariffs"`
	// Evidence is where events are kept; nil leaves it out.
	Evidence Map `yaml:"evidence,omitempty"`
}

// SecretKey is that of the apps.
const SecretKey = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"

// New returns a valid configuration of the app clinic, which sends no requests
// outside this machine. Its tariff, standard, charges 0.12 USD for each minute.
func New() *Config {
	return &Config{
		Apps:    []Map{App("clinic", 1400000000)},
		Tariffs: Map{"standard": Tariff("USD", "0.12")},
	}
}

// App returns an app with the tariff standard. Nothing listens at its REST API.
func App(name string, sdkAppID uint64) Map {
	return Map{
		"name": name, "sdk_app_id": sdkAppID, "secret_key": SecretKey, "api": "http://127.0.0.1:1",
		"callback": Map{"secret": "a-callback-path-secret"}, "tariff": "standard",
	}
}

// Tariff returns a tariff with one version, which charges rate for each minute
// that has begun.
func Tariff(currency, rate string) Map {
	return Map{"currency": currency, "versions": []Map{Version(rate)}}
}

// Version returns a version of a tariff, from 2025 on; see Tariff.
func Version(rate string) Map {
	return Map{
		"effective_from": "2025-01-01T00:00:00Z",
		"rules":          []Map{{"rate_per_minute": number(rate), "first_interval": 60, "next_interval": 60}},
	}
}

// number is a decimal that is written as it is.
type number string

// MarshalYAML implements yaml.BytesMarshaler.
func (n number) MarshalYAML() ([]byte, error) { return []byte(n), nil }

// Write writes the file to path.
func (c *Config) Write(path string) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("test configuration: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}
