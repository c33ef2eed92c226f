package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ActivityAt returns what was known of a user's activity up to a position of the log, which must be
// there: the same for ever. If events of other domains lie between the projection and the position it
// waits for them, and answers ErrLagging when that takes longer than patience. While one about the user
// is parked, nothing final can be said of later positions: that is ErrLagging, too.
func (p *Profiles) ActivityAt(ctx context.Context, id uuid.UUID, position int64, patience time.Duration) (Activity, error) {
	deadline := time.Now().Add(patience)
	for {
		past, err := p.readPast(ctx, id, position)
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

// past is a row of the ledger, and why it may not be the last word.
type past struct {
	Activity
	ahead  bool // the projection has not had all activity up to the position
	parked bool
}

// One statement, so one snapshot: what the checkpoint has passed is in the ledger, or parked. Users are
// not asked about together, as for Current: with an array the plan would be made anew each time, which
// takes longer than all of its lookups.
const selectPast = `
SELECT COALESCE(a.post_count, 0), COALESCE(a.follower_count, 0), COALESCE(a.position, 0),
  EXISTS (
    SELECT FROM eventlog.events e
    WHERE e.stream_type = 'activity' AND e.position > s.checkpoint AND e.position <= $2
  ),
  EXISTS (
    SELECT FROM derived.dead_letters d JOIN eventlog.events e ON e.position = d.position AND e.stream_type = 'activity'
    WHERE d.subscription = s.name AND d.user_id = $1 AND d.position <= $2 AND d.state <> 'skipped'
  )
FROM derived.subscriptions s LEFT JOIN LATERAL (
  SELECT position, post_count, follower_count FROM derived.activity
  WHERE user_id = $1 AND position <= $2 ORDER BY position DESC LIMIT 1
) a ON true
WHERE s.name = '` + Subscription + `'`

func (p *Profiles) readPast(ctx context.Context, id uuid.UUID, position int64) (past, error) {
	var found past
	err := p.pool.QueryRow(ctx, selectPast, id, position).
		Scan(&found.PostCount, &found.FollowerCount, &found.Position, &found.ahead, &found.parked)
	return found, err
}
