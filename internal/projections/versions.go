package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// version is what a user was from its position until that of the next version.
type version struct {
	Profile
	until    int64
	reworded bool // the next one has other words or roles
}

// supersede is the profile as a version of the past, now that there is the next one.
func (p Profile) supersede(next Profile) version {
	return version{Profile: p, until: next.Position, reworded: next.SearchPosition != p.SearchPosition}
}

// described says that a list finds both by the same words and roles.
func (p Profile) described(q Profile) bool {
	a, b := p.User, q.User
	return p.SearchPosition > 0 && a.Email == b.Email && a.DisplayName == b.DisplayName && a.FirstName == b.FirstName && a.LastName == b.LastName &&
		slices.Equal(a.Roles, b.Roles)
}

// Twice is once. Rows are never changed, so that an order of the columns is the only thing to keep to.
const addVersions = `
INSERT INTO derived.user_versions (user_id, version, position, until, search_position, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles, search)
SELECT user_id, version, position, until, search_position, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles::text[], search::tsvector
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bigint[])
  AS n (user_id, version, position, created_at, updated_at, suspended_at, status,
    email, email_key, display_name, first_name, last_name, suspension_reason, roles, search, until, search_position)
ON CONFLICT (user_id, position) DO NOTHING`

func (t Tables) addVersions(ctx context.Context, tx pgx.Tx, versions []version) error {
	if len(versions) == 0 || safeguard.Removed(safeguard.Versions) {
		return nil
	}
	var rows columns
	until, since := make([]int64, 0, len(versions)), make([]*int64, 0, len(versions))
	for _, v := range versions {
		rows.add(v.Profile)
		until, since = append(until, v.until), append(since, v.since())
	}
	if _, err := tx.Exec(ctx, t.in(addVersions), append(rows.args(), until, since)...); err != nil {
		return fmt.Errorf("write versions: %w", err)
	}
	return nil
}

// since is kept where it is needed: on the last version with the same words and roles.
func (v version) since() *int64 {
	if !v.reworded {
		return nil
	}
	return &v.SearchPosition
}

// row is the version in the order of the table's columns.
func (v version) row() []any {
	u := v.User
	key := domain.CanonicalEmail(u.Email)
	return []any{
		u.ID, u.Version, v.Position, v.until, v.since(), u.CreatedAt, u.UpdatedAt, nullable(u.SuspendedAt), string(u.Status),
		u.Email, key, u.DisplayName, u.FirstName, u.LastName, u.SuspensionReason, rolesOf(u), lexemes(key, u.DisplayName, u.FirstName, u.LastName),
	}
}
