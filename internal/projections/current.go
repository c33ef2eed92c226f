package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// Current is a user with everything that was acknowledged before it was asked for.
type Current struct {
	Profile
	// LongTail says that the projection lags so far behind this user that its newest events were
	// left out: the user has to be folded from its stream. The counters are good.
	LongTail   bool
	Checkpoint int64 // of the projection
	tail       int
	Err        error // why this user could not be folded; the others of the query are not concerned
}

// Current reads a user by id. A user that does not exist has version 0.
func (p *Profiles) Current(ctx context.Context, id uuid.UUID) (Current, error) {
	c, err := p.current.Ask(ctx, id)
	if err != nil {
		return c, fmt.Errorf("read user: %w", unavailable(err))
	}
	return c, c.Err
}

// More than a projection that works ever lacks of one user. Beyond it snapshots are the quicker way.
const maxTail = 100

// One statement, so one snapshot: no event falls between the row and its tail. The limits keep the
// planner from joining whole tables: each id is two index probes.
const selectCurrent = `
SELECT want.n, s.checkpoint, ` + profileColumns + `, e.version, e.position, e.recorded_at, e.type, e.schema_version, e.data
FROM unnest($1::uuid[]) WITH ORDINALITY AS want (id, n)
CROSS JOIN ` + standing + `
LEFT JOIN LATERAL (
  SELECT * FROM derived.user_profiles WHERE user_id = want.id LIMIT 1
) p ON true
LEFT JOIN LATERAL (
  SELECT version, position, recorded_at, type, schema_version, data FROM eventlog.events
  WHERE stream_id = want.id AND stream_type = '` + domain.StreamType + `' AND version > COALESCE(p.version, 0)
  ORDER BY version LIMIT $2
) e ON true`

func (p *Profiles) readCurrent(ctx context.Context, ids []uuid.UUID) ([]Current, error) {
	users := make([]Current, len(ids))
	var b pgx.Batch
	b.Queue(eventstore.KeepPlan)
	b.Queue(selectCurrent, arrays(ids), safeguard.With(safeguard.Tail, maxTail, 0)).Query(func(rows pgx.Rows) error {
		var row currentRow
		_, err := pgx.ForEachRow(rows, row.destinations(), func() error { row.addTo(users, ids); return nil })
		return err
	})
	return users, p.pool.SendBatch(ctx, &b).Close()
}

// currentRow is a profile with no event, or with one event of its tail.
type currentRow struct {
	n          int // of the user, from 1
	checkpoint int64
	profile    profileRow

	event           eventstore.Recorded
	version, schema zeronull.Int8
	at              zeronull.Timestamptz
}

func (r *currentRow) destinations() []any {
	e := &r.event
	return slices.Concat([]any{&r.n, &r.checkpoint}, r.profile.destinations(),
		[]any{&r.version, (*zeronull.Int8)(&e.Position), &r.at, (*zeronull.Text)(&e.Type), &r.schema, &e.Data})
}

func (r *currentRow) addTo(users []Current, ids []uuid.UUID) {
	c := &users[r.n-1]
	if profile := r.profile.take(); c.tail == 0 {
		c.Profile, c.Checkpoint = profile, r.checkpoint
		c.User.ID = ids[r.n-1]
	}
	if r.version == 0 || c.Err != nil {
		return
	}
	e := r.event
	e.StreamID, e.Version, e.SchemaVersion, e.RecordedAt = c.User.ID, int(r.version), int(r.schema), time.Time(r.at).UTC()
	c.Profile, c.Err = c.Profile.Fold(e)
	c.tail++
	c.LongTail = c.tail == maxTail
}

// Activity reads what the projection has counted for a user.
func (p *Profiles) Activity(ctx context.Context, id uuid.UUID) (Activity, error) {
	a, err := p.counted.Ask(ctx, id)
	if err != nil {
		return a, fmt.Errorf("read activity: %w", unavailable(err))
	}
	return a, nil
}

const selectActivity = `
SELECT want.n, a.post_count, a.follower_count, a.position
FROM unnest($1::uuid[]) WITH ORDINALITY AS want (id, n)
CROSS JOIN LATERAL (
  SELECT position, post_count, follower_count FROM derived.activity WHERE user_id = want.id ORDER BY recorded_at DESC, position DESC LIMIT 1
) a`

func (p *Profiles) readActivity(ctx context.Context, ids []uuid.UUID) ([]Activity, error) {
	found := make([]Activity, len(ids))
	var b pgx.Batch
	b.Queue(eventstore.KeepPlan)
	b.Queue(selectActivity, arrays(ids)).Query(func(rows pgx.Rows) error {
		var n int
		var a Activity
		_, err := pgx.ForEachRow(rows, []any{&n, &a.PostCount, &a.FollowerCount, &a.Position}, func() error {
			found[n-1] = a
			return nil
		})
		return err
	})
	return found, p.pool.SendBatch(ctx, &b).Close()
}

// arrays are ids as they are encoded fastest: uuid.UUID itself would be by way of its text.
func arrays(ids []uuid.UUID) [][16]byte {
	bytes := make([][16]byte, len(ids))
	for i, id := range ids {
		bytes[i] = id
	}
	return bytes
}
