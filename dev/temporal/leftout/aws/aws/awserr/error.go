// Package awserr takes the place of that of the AWS SDK.
package awserr

type Error interface {
	error
	Code() string
	Message() string
	OrigErr() error
}

type RequestFailure interface {
	Error
	StatusCode() int
	RequestID() string
}
