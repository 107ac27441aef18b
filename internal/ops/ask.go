package ops

import (
	"context"
	"errors"
	"fmt"
)

// ask gives one system answerTimeout to answer.
func ask[T any](ctx context.Context, request func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := request(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", answerTimeout, err)
	}
	return answer, err
}

// note prints a line that is not part of a result.
func (d *Deps) note(format string, args ...any) {
	// It fails only if stderr is closed.
	_, _ = fmt.Fprintf(d.notes, "note: "+format+"\n", args...)
}
