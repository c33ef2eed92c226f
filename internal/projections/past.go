package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ActivityAt returns what was known of a user's activity up to a position of the log, which must be
// there: the same for ever. If events of other domains lie between the projection and the position it
// waits for them, and answers ErrLagging when that takes longer than patience. While one about the user
// is parked, nothing final can be said of later positions: that is ErrLagging, too.
func (p *Profiles) ActivityAt(ctx context.Context, id uuid.UUID, position int64, patience time.Duration) (Activity, error) {
	deadline := time.Now().Add(patience)
	for {
		past, err := p.past.Ask(ctx, place{id, position})
		switch {
		case err != nil:
			return Activity{}, fmt.Errorf("read activity: %w", unavailable(err))
		case past.parked:
			return Activity{}, ErrLagging
		case !past.ahead:
			return past.Activity, nil
		}
		if err := p.await(ctx, position, time.Until(deadline)); err != nil {
			return Activity{}, err
		}
	}
}

type place struct {
	user     uuid.UUID
	position int64
}

// past is a row of the ledger, and why it may not be the last word.
type past struct {
	Activity
	ahead  bool // the projection has not had all activity up to the position
	parked bool
}

// One statement, so one snapshot: what the checkpoint has passed is in the ledger, or parked.
const selectPast = `
SELECT want.n, COALESCE(a.post_count, 0), COALESCE(a.follower_count, 0), COALESCE(a.position, 0),
  EXISTS (
    SELECT FROM eventlog.events e
    WHERE e.stream_type = 'activity' AND e.position > s.checkpoint AND e.position <= want.position
  ),
  EXISTS (
    SELECT FROM derived.dead_letters d JOIN eventlog.events e ON e.position = d.position AND e.stream_type = 'activity'
    WHERE d.subscription = '` + Subscription + `' AND d.user_id = want.user_id AND d.position <= want.position AND d.state <> 'skipped'
  )
FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS want (user_id, position, n)
CROSS JOIN (SELECT checkpoint FROM derived.subscriptions WHERE name = '` + Subscription + `') s
LEFT JOIN LATERAL (
  SELECT position, post_count, follower_count FROM derived.activity
  WHERE user_id = want.user_id AND position <= want.position ORDER BY position DESC LIMIT 1
) a ON true`

func (p *Profiles) readPast(ctx context.Context, places []place) ([]past, error) {
	ids, positions := make([][16]byte, len(places)), make([]int64, len(places))
	for i, at := range places {
		ids[i], positions[i] = at.user, at.position
	}
	found := make([]past, len(places))
	var n int // from 1
	var one past
	rows, _ := p.pool.Query(ctx, selectPast, ids, positions)
	into := []any{&n, &one.PostCount, &one.FollowerCount, &one.Position, &one.ahead, &one.parked}
	_, err := pgx.ForEachRow(rows, into, func() error {
		found[n-1] = one
		return nil
	})
	return found, err
}
