// Package option takes the place of that of Google's API.
package option

// WithTokenSource is an option of storage.NewClient.
func WithTokenSource(source any) any { return source }
