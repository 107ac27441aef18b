package config

import (
	"errors"
	"regexp"
)

// DeploymentName is the name of a Worker Deployment. Temporal joins it with a BuildID by
// a dot or a colon, which it therefore cannot have.
type DeploymentName string

// BuildID is what a version of a Worker Deployment is called.
type BuildID string

var (
	deploymentPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	buildPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,126}$`)
)

// UnmarshalText reads a name; empty is none.
func (n *DeploymentName) UnmarshalText(text []byte) error {
	*n = DeploymentName(text)
	if len(text) > 0 && !deploymentPattern.Match(text) {
		return errors.New("must be 1 to 63 letters, digits, hyphens and underscores, as in aftercall")
	}
	return nil
}

// UnmarshalText reads an ID; empty is none.
func (b *BuildID) UnmarshalText(text []byte) error {
	*b = BuildID(text)
	if len(text) > 0 && !buildPattern.Match(text) {
		return errors.New("must be 1 to 127 letters, digits and . _ + -, as in 1.4.0 or a commit")
	}
	return nil
}
