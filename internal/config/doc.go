// Package config reads what a person configures: one YAML file for apps,
// tariffs and targets, and a few process settings from the environment.
//
// An invalid configuration is refused as a whole: every problem is reported at
// once, each with its place (file:line:column and key, or the variable) and the
// remedy. Secrets are given by ${VARIABLE} and leave only through Reveal; they
// are in no error text and in no log line.
//
// The struct tags are the reference: yaml and env name the key, default and
// envDefault its default, doc its meaning, was its former name. A test compares
// docs/configuration.md with them.
package config
