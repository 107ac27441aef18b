// Package aws takes the place of that of the AWS SDK, with what Temporal's archiver and
// its client of Elasticsearch use. Whatever would make a request fails.
package aws

import (
	"context"

	"github.com/aws/aws-sdk-go/aws/credentials"
)

type Context = context.Context

type LogLevelType uint

type Config struct {
	Endpoint, Region *string
	S3ForcePathStyle *bool
	LogLevel         *LogLevelType
	Credentials      *credentials.Credentials
}

func String(v string) *string { return &v }
func Bool(v bool) *bool       { return &v }
func Int64(v int64) *int64    { return &v }
