package rebuild

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// The whole log is read and sorted, so no index helps; the sort is spilled to disk. It is left one processor, as others may
// write meanwhile. Whoever folds sets the pace, and may still be at it when all is sent.
const beginReading = `BEGIN READ ONLY; SET LOCAL statement_timeout = '1d'; SET LOCAL idle_in_transaction_session_timeout = '1min';
SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB'; SET LOCAL max_parallel_workers_per_gather = 0`

const readByUser = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at
FROM eventlog.events WHERE position <= $1
ORDER BY ` + projections.UserKey + `, position`

// ReadByUser reads the log up to a position, all events about a user together and in their order. It
// takes a transaction of its own, so that another can be busy meanwhile.
func ReadByUser(ctx context.Context, pool *pgxpool.Pool, through int64, each func(eventstore.Recorded) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: beginReading}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, WithoutTimeLimit); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, readByUser, through)
		return eventstore.Each(rows, each)
	})
}
