package projections

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// The tables are locked before the snapshot is taken: to an older one, tables that a rebuild puts in their place are not what
// it says.
const beginSample = `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
LOCK TABLE derived.user_profiles, derived.activity IN ACCESS SHARE MODE`

// Drifted takes a random event and reports whether the row of its user is what the log says, as far as the
// projection has come. ok is false when there was nothing to compare: no event of a user, or one who is parked.
func (p *Profiles) Drifted(ctx context.Context) (user uuid.UUID, drifted, ok bool, err error) {
	err = pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{BeginQuery: beginSample}, func(tx pgx.Tx) error {
		user, err = randomUser(ctx, tx)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err == nil {
			ok = true
			drifted, err = rowDiffers(ctx, tx, user)
		}
		return err
	})
	if err != nil {
		return uuid.Nil, false, false, fmt.Errorf("sample a user: %w", unavailable(err))
	}
	return user, drifted, ok, nil
}

// Whoever changes more is looked at more often.
const selectRandomUser = `
SELECT e.stream_id FROM eventlog.events e, ` + standing + `
WHERE e.position = 1 + floor($1::float8 * s.checkpoint)::bigint AND e.position <= s.checkpoint AND e.stream_type = 'user'
  AND NOT EXISTS (SELECT FROM derived.dead_letters d WHERE d.subscription = '` + Subscription + `' AND d.user_id = e.stream_id)`

func randomUser(ctx context.Context, tx pgx.Tx) (user uuid.UUID, err error) {
	err = tx.QueryRow(ctx, selectRandomUser, rand.Float64()).Scan(&user) //nolint:gosec // a sample
	return user, err
}

const selectApplied = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at FROM eventlog.events
WHERE stream_id = $1 AND position <= (SELECT checkpoint FROM ` + standing + `) ORDER BY version`

// rowDiffers compares the row with a replay of the user's own events, and its counters with the ledger.
func rowDiffers(ctx context.Context, tx pgx.Tx, user uuid.UUID) (bool, error) {
	want := Profile{}
	want.User.ID = user
	rows, _ := tx.Query(ctx, selectApplied, user)
	err := eventstore.Each(rows, func(e eventstore.Recorded) (err error) {
		want, err = want.next(e)
		return err
	})
	if err != nil {
		return false, err
	}
	totals, err := Live.totals(ctx, tx, [][16]byte{user})
	if err != nil {
		return false, err
	}
	want.Activity = totals[user]
	found, _ := tx.Query(ctx, selectProfiles, [][16]byte{user})
	got, err := pgx.CollectExactlyOneRow(found, scanProfile())
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return !got.equal(want), err
}

// equal compares times as instants.
func (p Profile) equal(q Profile) bool {
	same := slices.Equal(p.User.Roles, q.User.Roles) && p.User.CreatedAt.Equal(q.User.CreatedAt) &&
		p.User.UpdatedAt.Equal(q.User.UpdatedAt) && p.User.SuspendedAt.Equal(q.User.SuspendedAt)
	a, b := p.User, q.User
	return same && p.Activity == q.Activity && p.Position == q.Position && a.ID == b.ID && a.Version == b.Version &&
		a.Status == b.Status && a.Email == b.Email && a.DisplayName == b.DisplayName &&
		a.FirstName == b.FirstName && a.LastName == b.LastName && a.SuspensionReason == b.SuspensionReason
}
