package users

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
)

// Whoever sends commands for one user faster than they can be carried out is told so, and is in nobody else's way.
func TestLineForOneUserIsBounded(t *testing.T) {
	t.Parallel()
	lines := newTurns()
	busy := Request{UserID: uuid.New()}
	end, err := lines.take(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	for range longestLine {
		go func() {
			_, err := lines.take(ctx, busy)
			ended <- err
		}()
	}
	if err := <-ended; !errors.Is(err, ErrUnavailable) || !errors.Is(err, errLongLine) {
		t.Errorf("beyond the end of the line: %v", err)
	}
	if endOther, err := lines.take(t.Context(), Request{UserID: uuid.New()}); err != nil {
		t.Errorf("another user: %v", err)
	} else {
		endOther()
	}
	leave()
	for range longestLine - 1 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("who left the line: %v", err)
		}
	}
	end()
	if end, err = lines.take(t.Context(), busy); err != nil {
		t.Errorf("after they left: %v", err)
	}
	end()
	if len(lines.lines) > 0 {
		t.Errorf("%d lines are left", len(lines.lines))
	}
}
