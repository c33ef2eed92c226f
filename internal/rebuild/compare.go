package rebuild

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// compareAll finds the users whose live rows are not those of the shadow, which is at a position. The
// live rows may have gone on meanwhile: compareRest settles that.
func (r *Run) compareAll(ctx context.Context, position int64) error {
	different, err := r.compare(ctx, r.tx, nil)
	r.different, r.compared = different, position
	return err
}

// compareRest compares those users who had events since compareAll began, while the subscription is held
// and the shadow is where it is. Users who are parked are known to lack something, and no difference.
func (r *Run) compareRest(ctx context.Context, tx pgx.Tx, position int64) (map[uuid.UUID]bool, error) {
	different := make(map[uuid.UUID]bool)
	for user := range r.different {
		different[user] = true
	}
	events, err := eventstore.After(ctx, tx, r.compared, position, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	var touched [][16]byte
	for _, e := range events {
		user := projections.UserOf(e)
		touched = append(touched, user)
		delete(different, user)
	}
	if len(touched) > 0 {
		rest, err := r.compare(ctx, tx, touched)
		if err != nil {
			return nil, err
		}
		for user := range rest {
			different[user] = true
		}
	}
	parked, err := r.target.Live.ParkedUsers(ctx, tx)
	for _, user := range parked {
		delete(different, user)
	}
	return different, err
}

// compare returns the users whose rows differ: of all, or of some.
func (r *Run) compare(ctx context.Context, tx pgx.Tx, users [][16]byte) (map[uuid.UUID]bool, error) {
	different := make(map[uuid.UUID]bool)
	for _, table := range r.target.Tables {
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
