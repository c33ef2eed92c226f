package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/safeguard"
	"github.com/usersvc/usersvc/internal/tuples"
)

// holder is a user who was given a role, for the first time or once more.
type holder struct {
	user     uuid.UUID
	role     string
	created  time.Time // the user
	position int64     // of the event
}

// given are the roles that the profile has not, and the next one has.
func (p Profile) given(next Profile) (holders []holder) {
	for _, role := range without(next.User.Roles, p.User.Roles) {
		holders = append(holders, holder{next.User.ID, role, next.User.CreatedAt, next.Position})
	}
	return holders
}

// The first time counts: it comes first in the log, and in the arguments.
const addHolders = `
INSERT INTO derived.role_holders (user_id, role, created_at, position)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[])
ON CONFLICT (user_id, role) DO NOTHING`

func (t Tables) addHolders(ctx context.Context, tx pgx.Tx, holders []holder) error {
	if len(holders) == 0 || safeguard.Removed(safeguard.Versions) {
		return nil
	}
	users, roles := make([][16]byte, len(holders)), make([]string, len(holders))
	created, positions := make([]time.Time, len(holders)), make([]int64, len(holders))
	for i, h := range holders {
		users[i], roles[i], created[i], positions[i] = h.user, h.role, h.created, h.position
	}
	if _, err := tx.Exec(ctx, t.in(addHolders), users, roles, created, positions); err != nil {
		return fmt.Errorf("write holders of roles: %w", err)
	}
	return nil
}

// addTo adds the holder, in the order of the table's columns.
func (h holder) addTo(rows *tuples.Rows) {
	rows.Begin(4).UUID(h.user).Text(h.role).Time(h.created).Int8(h.position)
}
