package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// ActivityAt returns what was known of a user's activity at a moment, whose place must be there: the same for
// ever. If events of other domains lie between the projection and the place it waits for them, and answers
// ErrLagging when that takes longer than patience. While one about the user is parked, nothing final can be said
// of later places: that is ErrLagging, too.
func (p *Profiles) ActivityAt(ctx context.Context, id uuid.UUID, m Moment, patience time.Duration) (Activity, error) {
	c := Count(id, m)
	if err := p.count(ctx, c); err != nil {
		return Activity{}, err
	}
	return p.Counted(ctx, c, patience)
}

// Counting is ActivityAt in two parts, of which the first shares the round trip of another read: Queue, then Counted.
type Counting struct {
	user  uuid.UUID
	at    Moment
	found Activity
	since time.Time // of the newest event that changed a counter
	// Why it may not be the last word:
	ahead  int64 // the position of activity up to the moment that the projection has not had, or 0
	parked bool
}

// Count begins to read the counters of a user at a moment.
func Count(user uuid.UUID, at Moment) *Counting { return &Counting{user: user, at: at} }

// Counted returns what was read, once it is final.
func (p *Profiles) Counted(ctx context.Context, c *Counting, patience time.Duration) (Activity, error) {
	deadline := time.Now().Add(patience)
	for !c.parked && c.ahead > 0 {
		if err := p.await(ctx, c.ahead, time.Until(deadline)); err != nil {
			return Activity{}, err
		}
		if err := p.count(ctx, c); err != nil {
			return Activity{}, err
		}
	}
	if c.parked {
		return Activity{}, ErrLagging
	}
	return c.found, nil
}

func (p *Profiles) count(ctx context.Context, c *Counting) error {
	var b pgx.Batch
	b.Queue(eventstore.KeepPlan)
	c.Queue(&b)
	if err := p.pool.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("read activity: %w", unavailable(err))
	}
	return nil
}

// One statement, so one snapshot: what the checkpoint has passed is in the ledger, or parked. Users are
// not asked about together, as for Current: there are hardly ever two at once.
const selectPast = `
SELECT COALESCE(a.post_count, 0), COALESCE(a.follower_count, 0), COALESCE(a.position, 0), COALESCE(a.recorded_at, '0001-01-01Z'), COALESCE((
    SELECT e.position FROM (
      SELECT position, recorded_at FROM eventlog.events WHERE stream_type = 'activity' AND position > s.checkpoint ORDER BY position LIMIT 1
    ) e WHERE e.recorded_at <= $2 AND e.position <= $3
  ), 0),
  EXISTS (
    SELECT FROM derived.dead_letters d JOIN eventlog.events e ON e.position = d.position AND e.stream_type = 'activity'
    WHERE d.subscription = '` + Subscription + `' AND d.user_id = $1 AND e.recorded_at <= $2 AND e.position <= $3 AND d.state <> 'skipped'
  )
FROM ` + standing + ` LEFT JOIN LATERAL (
  SELECT position, recorded_at, post_count, follower_count FROM derived.activity
  WHERE user_id = $1 AND recorded_at <= $2 AND position <= $3 ORDER BY recorded_at DESC, position DESC LIMIT 1
) a ON true`

// Since is when the counters that were read became what they are: the time of the event, zero if there was none.
func (c *Counting) Since() time.Time { return c.since }

// Queue asks for the counters.
func (c *Counting) Queue(b *pgx.Batch) {
	b.Queue(selectPast, c.user, c.at.RecordedAt, c.at.through()).QueryRow(func(row pgx.Row) error {
		return row.Scan(&c.found.PostCount, &c.found.FollowerCount, &c.found.Position, &c.since, &c.ahead, &c.parked)
	})
}
