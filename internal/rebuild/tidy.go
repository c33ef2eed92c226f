package rebuild

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// database is a connection, or a pool of them.
type database interface {
	Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error)
}

// tidy drops a table that was committed by a rebuild which then did not end well. Only who has the lock of the target may do so.
func (t Target) tidy(ctx context.Context, db database) error {
	if t.Largest == "" || safeguard.Removed(safeguard.Tidying) {
		return nil
	}
	if _, err := db.Exec(ctx, "DROP TABLE IF EXISTS "+shadow(t.Largest)); err != nil {
		return fmt.Errorf("tidy up: %w", err)
	}
	return nil
}

// tidyUp does so for a target that nobody rebuilds.
func (r *Rebuilds) tidyUp(ctx context.Context, t Target) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		var free bool
		if err := tx.QueryRow(ctx, tryLock, t.Name).Scan(&free); err != nil || !free {
			return err
		}
		return t.tidy(ctx, tx)
	})
}
