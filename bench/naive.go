package main

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The design of many a tutorial: a global revision that is MAX + 1, unique, given out in a transaction
// of five round trips. Of the writers that read the same maximum one wins, and the others are told
// that there was a conflict.
const naiveSchema = `
CREATE TABLE public.events (LIKE eventlog.events INCLUDING INDEXES);
CREATE TABLE public.claims (
  key       text COLLATE "C" NOT NULL PRIMARY KEY,
  stream_id uuid             NOT NULL UNIQUE
);
GRANT SELECT, INSERT, UPDATE ON public.events, public.claims TO usersvc_app;`

const (
	selectVersion  = `SELECT COALESCE(MAX(version), 0) FROM events WHERE stream_id = $1`
	selectRevision = `SELECT COALESCE(MAX(position), 0) + 1 FROM events`

	insertWithRevision = `
WITH claimed AS (
  INSERT INTO claims (key, stream_id) VALUES ($2, $1) ON CONFLICT (stream_id) DO UPDATE SET key = excluded.key
)
INSERT INTO events (stream_id, event_id, version, position, recorded_at, stream_type, type, schema_version, data, metadata)
VALUES ($1, $3, $4, $5, clock_timestamp(), 'user', $6, $7, $8, $9)`
)

func newNaive(pool *pgxpool.Pool) http.Handler {
	store := func(ctx context.Context, e event) (at stored, err error) {
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, selectVersion, e.user).Scan(&at.version); err != nil {
				return err
			}
			at.version++
			if err := tx.QueryRow(ctx, selectRevision).Scan(&at.position); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, insertWithRevision, e.user, e.address, e.id, at.version, at.position, e.typ, e.schema, e.data, e.metadata)
			return err
		})
		return at, err
	}
	return newCommandHandler(logged(store), logged(store))
}
