package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Activity is what events of other domains have said about a user.
type Activity struct {
	PostCount, FollowerCount int
	Position                 int64 // of the newest event that changed a counter, 0 if none
}

// count returns the activity after an event. One that changes nothing is not seen in it.
func (a Activity) count(e domain.Activity, position int64) Activity {
	before := domain.Counters{Posts: a.PostCount, Followers: a.FollowerCount}
	after := before.Count(e)
	if after == before {
		return a
	}
	return Activity{after.Posts, after.Followers, position}
}

// applyActivity adds a row to the ledger for each event that changes a counter, whether the user exists
// or not, and takes the newest totals over into the rows of users that do.
func (t Tables) applyActivity(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	reported, err := activityOf(events)
	if err != nil || len(reported) == 0 {
		return err
	}
	totals, err := t.totalsBefore(ctx, tx, reported)
	if err != nil {
		return err
	}
	var added ledger
	for _, r := range reported {
		before := totals[r.Subject()]
		if r.position <= before.Position {
			if err := t.had(ctx, tx, r); err != nil {
				return err
			}
			continue
		}
		if after := before.count(r.Activity, r.position); after != before {
			totals[r.Subject()] = after
			added.add(r.Subject(), after, r.recordedAt)
		}
	}
	return added.write(ctx, tx, t)
}

// report is an event of another domain and its place in the log.
type report struct {
	domain.Activity
	position   int64
	recordedAt time.Time
}

func activityOf(events []eventstore.Recorded) (reported []report, err error) {
	for _, e := range events {
		if e.StreamType != domain.ActivityType {
			continue
		}
		_, event, err := domain.DecodeActivity(e.Type, e.SchemaVersion, e.Data)
		if err != nil {
			return nil, fmt.Errorf("event at position %d: %w", e.Position, err)
		}
		reported = append(reported, report{event, e.Position, e.RecordedAt})
	}
	return reported, nil
}

const selectTotals = `
SELECT want.user_id, a.post_count, a.follower_count, a.position
FROM unnest($1::uuid[]) AS want (user_id)
CROSS JOIN LATERAL (
  SELECT position, post_count, follower_count FROM derived.activity 
  WHERE user_id = want.user_id ORDER BY recorded_at DESC, position DESC LIMIT 1
) a`

// totalsBefore reads what the ledger has of each user that the events are about.
func (t Tables) totalsBefore(ctx context.Context, tx pgx.Tx, reported []report) (map[uuid.UUID]Activity, error) {
	ids := make([][16]byte, len(reported)) // the same user twice does no harm
	for i, r := range reported {
		ids[i] = r.Subject()
	}
	return t.totals(ctx, tx, ids)
}

// totals reads the newest row of the ledger of each user.
func (t Tables) totals(ctx context.Context, tx pgx.Tx, ids [][16]byte) (map[uuid.UUID]Activity, error) {
	rows, _ := tx.Query(ctx, t.in(selectTotals), ids)
	totals := make(map[uuid.UUID]Activity, len(ids))
	var id [16]byte
	var a Activity
	_, err := pgx.ForEachRow(rows, []any{&id, &a.PostCount, &a.FollowerCount, &a.Position}, func() error {
		totals[id] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read activity: %w", err)
	}
	return totals, nil
}

// ledger is rows of derived.activity, in order of position: a column each.
type ledger struct {
	users            [][16]byte // uuid.UUID itself would be encoded by way of its text
	positions        []int64
	posts, followers []int
	times            []time.Time
}

func (l *ledger) add(user uuid.UUID, a Activity, at time.Time) {
	l.users, l.positions = append(l.users, user), append(l.positions, a.Position)
	l.posts, l.followers = append(l.posts, a.PostCount), append(l.followers, a.FollowerCount)
	l.times = append(l.times, at)
}

const addToLedger = `
WITH added AS (
  INSERT INTO derived.activity (user_id, position, post_count, follower_count, recorded_at)
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[], $5::timestamptz[])
  RETURNING *
), newest AS (
  SELECT DISTINCT ON (user_id) * FROM added ORDER BY user_id, position DESC
)
UPDATE derived.user_profiles p
SET activity_position = n.position, post_count = n.post_count, follower_count = n.follower_count
FROM newest n WHERE p.user_id = n.user_id AND p.activity_position < n.position`

func (l *ledger) write(ctx context.Context, tx pgx.Tx, t Tables) error {
	if len(l.users) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, t.in(addToLedger), l.users, l.positions, l.posts, l.followers, l.times); err != nil {
		return fmt.Errorf("write activity: %w", err)
	}
	return nil
}
