// Package credentials takes the place of that of the AWS SDK.
package credentials

type Credentials struct{}

func NewStaticCredentials(id, secret, token string) *Credentials { return &Credentials{} }
func NewEnvCredentials() *Credentials                            { return &Credentials{} }
