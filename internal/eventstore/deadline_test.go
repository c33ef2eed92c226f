package eventstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Whoever leads sends the commands of others too: its deadline must fail none but its own.
func TestDeadlineOfOneCallerFailsNoOther(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	mustAppend(t, log, command(newID(), 0, "Made"))
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			if i%2 == 0 {
				_, err := log.Append(over, command(newID(), 0, "Late"))
				if !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("an append without time: %v, want ErrUnavailable", err)
				}
				return
			}
			if _, err := log.Append(t.Context(), command(newID(), 0, "Made")); err != nil {
				t.Errorf("an append with time: %v", err)
			}
		})
	}
	wg.Wait()
	if n := len(all(t, pool)); n != 201 {
		t.Errorf("%d events, want 201: what had no time must not be stored", n)
	}
}
