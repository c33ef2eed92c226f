package migrations

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// State is where a database stands.
type State struct {
	Current uint // 0: no migration has been applied
	Latest  uint // what this program needs
	Dirty   bool // left by another tool than this package; it wants a look by hand
}

// Ready says that this program can work with the schema. A later one will do, so that the running
// replicas stay ready while the next release migrates.
func (s State) Ready() bool { return s.Current >= s.Latest && !s.Dirty }

// Status reads the state and changes nothing.
func Status(ctx context.Context, url string) (State, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return State{}, fmt.Errorf("read the schema version: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return read(ctx, conn)
}

// Current is Status on a pool that is open already: one small query, fit for a readiness check.
func Current(ctx context.Context, pool *pgxpool.Pool) (State, error) { return read(ctx, pool) }

// querier is a connection or a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const readSQL = `SELECT version, dirty FROM public.schema_migrations`

func read(ctx context.Context, db querier) (State, error) {
	state := State{Latest: Latest()}
	var version int64
	err := db.QueryRow(ctx, readSQL).Scan(&version, &state.Dirty)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &refused) && refused.Code == "42P01": // no such table
		return state, nil
	case err != nil:
		return state, fmt.Errorf("read the schema version: %w", err)
	}
	state.Current = uint(max(version, 0)) // golang-migrate writes -1 for none
	return state, nil
}
