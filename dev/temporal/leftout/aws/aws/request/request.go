// Package request takes the place of that of the AWS SDK.
package request

type Option func()

func IsErrorRetryable(error) bool { return false }
func IsErrorThrottle(error) bool  { return false }
