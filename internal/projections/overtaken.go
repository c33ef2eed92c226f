package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const selectTotalsAt = `
SELECT post_count, follower_count, position FROM derived.activity
WHERE user_id = $1 AND position <= $2 ORDER BY recorded_at DESC, position DESC LIMIT 1`

// had returns nil for an event that was counted before, though later ones were, too: it is in the ledger, or could change nothing. One
// that an older build could not read waited by itself, as nobody knew whom it was about, and the later ones did not wait for it.
// Their totals are wrong then, and only a rebuild makes all of them right.
func (t Tables) had(ctx context.Context, tx pgx.Tx, r report) error {
	var then Activity
	err := tx.QueryRow(ctx, t.in(selectTotalsAt), r.Subject(), r.position).Scan(&then.PostCount, &then.FollowerCount, &then.Position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read activity: %w", err)
	}
	if then.Position == r.position || then.count(r.Activity, r.position) == then {
		return nil
	}
	return fmt.Errorf("event at position %d was overtaken by later ones about the same user: only a rebuild counts it", r.position)
}
