package projections

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// Apply folds a batch of events, in order of position, into user_profiles, user_versions, role_holders and the ledger of
// activity. It runs in the relay's transaction and never ends it.
func (t Tables) Apply(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	if err := t.applyActivity(ctx, tx, events); err != nil {
		return err
	}
	return t.applyUsers(ctx, tx, events) // second: a user that is new finds its totals in the ledger
}

func (t Tables) applyUsers(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	profiles, err := t.profilesBefore(ctx, tx, events)
	if err != nil {
		return err
	}
	changed := make(map[uuid.UUID]Profile, len(events))
	var superseded []version
	var given []holder
	for _, e := range events {
		if e.StreamType != domain.StreamType {
			continue
		}
		p, ok := changed[e.StreamID]
		if !ok {
			p = profiles[e.StreamID]
			p.User.ID = e.StreamID
			p = p.withTerms()
		}
		if e.Version <= p.User.Version && !safeguard.Removed(safeguard.Turns) {
			continue // had already
		}
		next, err := p.next(e)
		if err != nil {
			return err
		}
		next = next.withTerms()
		if p.User.Version > 0 {
			superseded = append(superseded, p.supersede(next))
		}
		given = append(given, p.given(next)...)
		changed[e.StreamID] = next
	}
	if err := t.addVersions(ctx, tx, superseded); err != nil {
		return err
	}
	if err := t.addHolders(ctx, tx, given); err != nil {
		return err
	}
	return t.upsert(ctx, tx, changed)
}

const selectProfiles = `SELECT ` + profileColumns + ` FROM derived.user_profiles p WHERE p.user_id = ANY ($1)`

// profilesBefore reads the rows that the events continue. A user created in the batch has none.
func (t Tables) profilesBefore(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) (map[uuid.UUID]Profile, error) {
	var ids [][16]byte // uuid.UUID itself would be encoded by way of its text
	seen := make(map[uuid.UUID]bool, len(events))
	for _, e := range events {
		if e.StreamType == domain.StreamType && !seen[e.StreamID] {
			seen[e.StreamID] = true
			if e.Version > 1 {
				ids = append(ids, e.StreamID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows, _ := tx.Query(ctx, t.in(selectProfiles), ids)
	profiles := make(map[uuid.UUID]Profile, len(ids))
	found, err := pgx.CollectRows(rows, scanProfile())
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	for _, p := range found {
		profiles[p.User.ID] = p
	}
	return profiles, nil
}

// A new row takes over what the ledger has of its user. Those of an old one are left alone: they
// belong to the events of other domains.
const upsertProfiles = `
INSERT INTO derived.user_profiles AS p (user_id, version, position, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles, search,
  activity_position, post_count, follower_count)
SELECT user_id, version, n.position, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles::text[], search::tsvector,
  COALESCE(a.position, 0), COALESCE(a.post_count, 0), COALESCE(a.follower_count, 0)
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
  AS n (user_id, version, position, created_at, updated_at, suspended_at, status,
    email, email_key, display_name, first_name, last_name, suspension_reason, roles, search)
LEFT JOIN LATERAL (
  SELECT position, post_count, follower_count FROM derived.activity WHERE user_id = n.user_id ORDER BY recorded_at DESC, position DESC LIMIT 1
) a ON true
ON CONFLICT (user_id) DO UPDATE SET
  version = excluded.version, position = excluded.position, updated_at = excluded.updated_at,
  suspended_at = excluded.suspended_at, status = excluded.status, email = excluded.email, email_key = excluded.email_key,
  display_name = excluded.display_name, first_name = excluded.first_name, last_name = excluded.last_name,
  suspension_reason = excluded.suspension_reason, roles = excluded.roles, search = excluded.search`

// Twice is once.
const ifNewer = `
WHERE p.version < excluded.version`

func (t Tables) upsert(ctx context.Context, tx pgx.Tx, profiles map[uuid.UUID]Profile) error {
	if len(profiles) == 0 {
		return nil
	}
	var rows columns
	for _, id := range slices.SortedFunc(maps.Keys(profiles), byID) {
		rows.add(profiles[id])
	}
	statement := t.in(upsertProfiles) + safeguard.With(safeguard.Turns, ifNewer, "")
	if _, err := tx.Exec(ctx, statement, rows.args()...); err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	return nil
}

// byID is the order in which the service created them. Written in it, neighbours of a batch are neighbours in most indexes:
// their pages are filled one after the other, and take a quarter less room than in the order of a map.
func byID(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
