package rebuild

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// tidyUp drops the table that was committed by a rebuild of the target which then did not end well: ErrRunning while one goes on, or
// while the database has not noticed yet that it does not.
func tidyUp(ctx context.Context, pool *pgxpool.Pool, t Target) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var free bool
		if err := tx.QueryRow(ctx, tryLock, t.Name).Scan(&free); err != nil {
			return err
		}
		if !free {
			return ErrRunning
		}
		return t.drop(ctx, tx)
	})
}

// drop is for whoever has the lock of the target. Somebody may look at the table, as a dump of everything does; and a session that builds an
// index of it notices only after client_connection_check_interval, two seconds, that its process is gone.
func (t Target) drop(ctx context.Context, tx pgx.Tx) error {
	if t.Largest == "" || safeguard.Removed(safeguard.Tidying) {
		return nil
	}
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '3s'; DROP TABLE IF EXISTS "+shadow(t.Largest)); err != nil {
		return fmt.Errorf("tidy up: %w", err)
	}
	return nil
}
