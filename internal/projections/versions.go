package projections

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/safeguard"
	"github.com/usersvc/usersvc/internal/tuples"
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
  email, email_key, display_name, first_name, last_name, suspension_reason, roles, search, lost_words, role_bits)
SELECT user_id, version, position, until, created_at, updated_at, suspended_at, status,
  email, email_key, display_name, first_name, last_name, suspension_reason, roles::text[], search::tsvector, lost_words::tsvector, role_bits
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[], $18::bigint[])
  AS n (user_id, version, position, created_at, updated_at, suspended_at, status,
    email, email_key, display_name, first_name, last_name, suspension_reason, roles, search, until, lost_words, role_bits)
ON CONFLICT (user_id, position) DO NOTHING`

func (t Tables) addVersions(ctx context.Context, tx pgx.Tx, versions []version) error {
	if len(versions) == 0 || safeguard.Removed(safeguard.Versions) {
		return nil
	}
	var rows columns
	until, lost, bits := make([]int64, len(versions)), make([]*string, len(versions)), make([]int64, len(versions))
	for i, v := range versions {
		rows.add(v.Profile)
		until[i], bits[i] = v.until, bitsOf(v.User.Roles...)
		if len(v.lost) > 0 { // NULL tells PostgreSQL's statistics how seldom that is
			lost[i] = new(quoteAll(v.lost))
		}
	}
	if _, err := tx.Exec(ctx, t.in(addVersions), append(rows.args(), until, lost, bits)...); err != nil {
		return fmt.Errorf("write versions: %w", err)
	}
	return nil
}

// addTo adds the version, in the order of the table's columns.
func (v version) addTo(rows *tuples.Rows) {
	rows.Begin(18).UUID(v.User.ID).Int4(v.User.Version).Int8(v.Position).Int8(v.until)
	v.addFields(rows)
	if len(v.lost) > 0 {
		rows.Vector(v.lost)
	} else {
		rows.Null()
	}
	rows.Int8(bitsOf(v.User.Roles...))
}

// bitsOf has one of 64 bits for each role, as a filter of Bloom's with one hash ("Space/time trade-offs in hash coding with
// allowable errors", 1970): whoever has a role has its bit, and few others have. The bits are in the table, so they never change.
func bitsOf(roles ...string) (bits int64) {
	for _, role := range roles {
		hash := sha256.Sum256([]byte(role))
		bits |= 1 << (hash[0] & 63)
	}
	return bits
}
