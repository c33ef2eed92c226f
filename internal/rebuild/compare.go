package rebuild

import (
	"context"
	"maps"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// compareAll finds the users whose live rows are not those of the shadow, which is at a position. Each maker compares its tables. The
// live rows may have gone on meanwhile: compareRest settles that.
func (r *Run) compareAll(ctx context.Context, position int64) error {
	var mu sync.Mutex
	different := make(map[uuid.UUID]bool)
	err := r.together(ctx, func(m maker, ctx context.Context) error {
		found, err := compare(ctx, m.tx, m.tables, nil)
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(different, found)
		return err
	})
	r.different, r.compared = different, position
	return err
}

// The users of so many events are compared again together.
const comparedTogether = 1000

// compareRest compares again those users who had events since they were compared, up to a position where the shadow is. Whoever
// has none behind it is settled; only while the subscription is held that is everybody.
func (r *Run) compareRest(ctx context.Context, tx pgx.Tx, position int64) error {
	for r.compared < position {
		events, err := eventstore.After(ctx, tx, r.compared, position, comparedTogether)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := r.compareAgain(ctx, tx, events); err != nil {
			return err
		}
		r.compared = events[len(events)-1].Position
	}
	return nil
}

// compareAgain compares whom events are about.
func (r *Run) compareAgain(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	touched := make(map[uuid.UUID]bool)
	for _, e := range events {
		touched[projections.UserOf(e)] = true
	}
	users := make([][16]byte, 0, len(touched))
	for user := range touched {
		users = append(users, user)
	}
	found, err := compare(ctx, tx, r.target.Tables, users)
	if err != nil {
		return err
	}
	maps.DeleteFunc(r.different, func(user uuid.UUID, _ bool) bool { return touched[user] })
	maps.Copy(r.different, found)
	return nil
}

// differing returns who differs. Users who are parked are known to lack something, and no difference.
func (r *Run) differing(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]bool, error) {
	parked, err := r.target.Live.ParkedUsers(ctx, tx)
	if err != nil {
		return nil, err
	}
	different := maps.Clone(r.different)
	for _, user := range parked {
		delete(different, user)
	}
	return different, nil
}

// compare returns the users whose rows differ: of all, or of some.
func compare(ctx context.Context, tx pgx.Tx, tables []string, users [][16]byte) (map[uuid.UUID]bool, error) {
	different := make(map[uuid.UUID]bool)
	for _, table := range tables {
		found, err := shadows(tx).Compare(ctx, live(table), "user_id", AllRows, users)
		if err != nil {
			return nil, err
		}
		for _, user := range found {
			different[user] = true
		}
	}
	return different, nil
}
