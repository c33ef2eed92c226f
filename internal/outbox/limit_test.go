package outbox_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/outbox"
)

// A bad release has parked nearly as much as may be. The next one, which is mended, has more to park than there is room for, as
// those users have had events meanwhile: it tries what is parked, and goes on as far as that makes room.
func TestSubscriptionThatStandsStillGoesOnWhenItIsMended(t *testing.T) {
	t.Parallel()
	for by, tries := range map[string]int{"itself": 100, "an operator": 1} {
		t.Run("by "+by, func(t *testing.T) {
			t.Parallel()
			pool, _ := open(t)
			streams := newIDs(60)
			p := &poison{streams: streams, version: 1}
			retry := outbox.Retry{Tries: tries, Limit: 65}
			lives(t, pool, streams, 1, 1)
			bad, stop := startWith(t, pool, p.handle, retry)
			eventually(t, "all are parked", func() bool { return status(t, bad).Parked == 60 })
			stop()
			lives(t, pool, streams, 2, 3)
			p.mended.Store(true)
			mended, _ := startWith(t, pool, p.handle, retry)
			if tries == 1 { // all of them are dead
				eventually(t, "it stands still", func() bool { return status(t, mended).State == "failed" })
				if users, err := mended.RetryAll(t.Context()); users != 60 || err != nil {
					t.Errorf("retry: %d users, %v", users, err)
				}
			}
			idle(t, mended)
			if s := status(t, mended); s.State != "live" {
				t.Errorf("%+v", s)
			}
			wantLives(t, pool, mended, streams, 3)
		})
	}
}

// wantLives waits until nothing is parked, and looks whether all that streams lived through took effect, in order.
func wantLives(t *testing.T, pool *pgxpool.Pool, relay *outbox.Relay, streams []uuid.UUID, through int) {
	t.Helper()
	eventually(t, "nothing is parked", func() bool { return status(t, relay).Parked == 0 })
	for i, id := range streams {
		if got := effects(t, pool, id); len(got) != through || !slices.IsSorted(got) {
			t.Errorf("stream %d: effects %v, want 1 … %d", i, got, through)
		}
	}
}
