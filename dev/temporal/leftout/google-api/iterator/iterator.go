// Package iterator takes the place of that of Google's API.
package iterator

import "errors"

// Done is the end of a list.
var Done = errors.New("no more items in iterator")
