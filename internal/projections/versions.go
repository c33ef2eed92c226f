package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// version is what a user was from its position until that of the next version.
type version struct {
	Profile
	until int64
	lost  []string // words that the next one has not
}

// supersede is the profile as a version of the past, now that there is the next one. Both have their terms.
func (p Profile) supersede(next Profile) version {
	v := version{Profile: p, until: next.Position}
	if p.found != next.found {
		v.lost = without(p.found.words, next.found.words)
	}
	return v
}

// without is what is in one sorted list and not in the other.
func without(these, those []string) (rest []string) {
	for _, s := range these {
		if _, there := slices.BinarySearch(those, s); !there {
			rest = append(rest, s)
		}
	}
	return rest
}

// Twice is once. Rows are never changed, so that an order of the columns is the only thing to keep to.
const addVersions = `
INSERT INTO derived.user_versions (user_id, version, position, until, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles, search, lost_words)
SELECT user_id, version, position, until, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles::text[], search::tsvector, lost_words::tsvector
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[])
  AS n (user_id, version, position, created_at, updated_at, suspended_at, status,
    email, email_key, display_name, first_name, last_name, suspension_reason, roles, search, until, lost_words)
ON CONFLICT (user_id, position) DO NOTHING`

func (t Tables) addVersions(ctx context.Context, tx pgx.Tx, versions []version) error {
	if len(versions) == 0 || safeguard.Removed(safeguard.Versions) {
		return nil
	}
	var rows columns
	until, lost := make([]int64, len(versions)), make([]*string, len(versions))
	for i, v := range versions {
		rows.add(v.Profile)
		until[i] = v.until
		if len(v.lost) > 0 { // NULL tells PostgreSQL's statistics how seldom that is
			lost[i] = new(quoteAll(v.lost))
		}
	}
	if _, err := tx.Exec(ctx, t.in(addVersions), append(rows.args(), until, lost)...); err != nil {
		return fmt.Errorf("write versions: %w", err)
	}
	return nil
}

// row is the version in the order of the table's columns. The id is an array: uuid.UUID would be encoded by way of its text.
func (v version) row() []any {
	u := v.User
	row := []any{
		[16]byte(u.ID), u.Version, v.Position, v.until, u.CreatedAt, u.UpdatedAt, nullable(u.SuspendedAt), string(u.Status),
		u.Email, v.found.address, u.DisplayName, u.FirstName, u.LastName, u.SuspensionReason, rolesOf(u.Roles), vector(v.found.words), pgtype.TSVector{},
	}
	if len(v.lost) > 0 {
		row[len(row)-1] = vector(v.lost)
	}
	return row
}
