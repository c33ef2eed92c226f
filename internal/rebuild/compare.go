package rebuild

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// More than these are not told apart from each other: something is wrong with all.
const maxDifferences = 100_000

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

// Whole tables are compared by reading them from one end to the other.
const compareFast = `SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB'`

const compareTables = `
SELECT DISTINCT %[2]s FROM (SELECT * FROM derived.%[1]s %[4]s) l FULL JOIN (SELECT * FROM rebuild.%[1]s %[4]s) s USING (%[3]s)
WHERE l IS DISTINCT FROM s LIMIT %[5]d`

// compare returns the users whose rows differ: of all, or of some.
func (r *Run) compare(ctx context.Context, tx pgx.Tx, users [][16]byte) (map[uuid.UUID]bool, error) {
	settings, err := tx.Begin(ctx) // which end with it
	if err != nil {
		return nil, err
	}
	defer func() { _ = settings.Rollback(ctx) }()
	if _, err := settings.Exec(ctx, compareFast); err != nil {
		return nil, err
	}
	different := make(map[uuid.UUID]bool)
	for _, table := range r.target.Tables {
		key, err := r.names(ctx, keyOf, table)
		if err != nil {
			return nil, err
		}
		which, args := "", []any(nil)
		if users != nil {
			which, args = "WHERE "+key[0]+" = ANY ($1)", []any{users}
		}
		rows, _ := settings.Query(ctx, fmt.Sprintf(compareTables, table, key[0], strings.Join(key, ", "), which, maxDifferences), args...)
		var user uuid.UUID
		if _, err := pgx.ForEachRow(rows, []any{&user}, func() error { different[user] = true; return nil }); err != nil {
			return nil, fmt.Errorf("compare %s: %w", table, err)
		}
	}
	return different, nil
}
