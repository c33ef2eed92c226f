package rebuild_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// older is a build that cannot read what a user's second event says.
type older struct{ projections.Rebuilt }

func (o *older) Add(e eventstore.Recorded) error {
	if e.Version == 2 {
		return errors.New("unknown here")
	}
	return o.Rebuilt.Add(e)
}

// A user's third event was given up. A build that knows less has no row to put it in: with that event passed over, the second one
// would be taken for handled when it is tried again.
func TestNothingIsPassedBehindWhatFails(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.create(t, 1)
	for _, role := range []domain.Role{"two", "three", "four"} {
		if err := r.execute(t.Context(), r.ids[0], domain.GrantRole{Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	r.relay = outbox.New(r.pool, outbox.Subscription{
		Name: projections.Subscription, Handle: withoutThird, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: r.profiles.Moved,
	}, outbox.Retry{Tries: 1, Limit: 100}, zerolog.Nop())
	stop := r.work(t)
	r.caughtUp(t)
	stop()
	r.giveFirstUp(t)
	rows, parked := r.rows(t), r.texts(t, queues)

	target := rebuild.Profiles(r.pool, r.relay, outbox.DefaultRetry, zerolog.Nop())
	target.Rows = func() rebuild.Rows { return new(older) }
	if err := rebuild.New(r.pool, zerolog.Nop(), target).Rebuild(t.Context(), "user_profiles"); !errors.Is(err, rebuild.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, rebuild.ErrUnavailable)
	}
	r.wantUnchanged(t, rows, parked)
	r.rebuild(t, "user_profiles")
	r.wantUnchanged(t, rows, parked)
}

func withoutThird(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	if slices.ContainsFunc(events, func(e eventstore.Recorded) bool { return e.Version == 3 }) {
		return errors.New("cannot be handled")
	}
	return projections.Live.Apply(ctx, tx, events)
}
