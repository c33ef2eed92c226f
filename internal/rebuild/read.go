package rebuild

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// The whole log is read and sorted, so no index helps. The sort is spilled to disk, in parts that a processor's cache holds: that is faster
// than larger ones. It is left one processor, as others may write meanwhile. Whoever folds sets the pace, and may still be at it when all is sent.
const beginReading = `BEGIN READ ONLY; SET LOCAL statement_timeout = '1d'; SET LOCAL idle_in_transaction_session_timeout = '1min';
SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '16MB'; SET LOCAL max_parallel_workers_per_gather = 0`

// OFFSET has the key of each event made out once.
const readByUser = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at
FROM (SELECT *, ` + projections.UserKey + ` AS key FROM eventlog.events WHERE position <= $1 OFFSET 0) keyed
WHERE ($2::text IS NULL OR key < $2) AND ($3::text IS NULL OR key >= $3)
ORDER BY key, position`

// ReadByUser reads the log up to a position, all events about a user together and in their order. It
// takes a transaction of its own, so that another can be busy meanwhile.
func ReadByUser(ctx context.Context, pool *pgxpool.Pool, through int64, each func(eventstore.Recorded) error) error {
	return half{}.read(ctx, pool, through, each)
}

// The keys of two hundred events say about where the others are.
const selectMiddle = `
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY key) FROM (
  SELECT ` + projections.UserKey + ` AS key FROM eventlog.events
  WHERE position = ANY (ARRAY(SELECT generate_series(1, $1::bigint, GREATEST($1::bigint / 200, 1))))
) sample`

// readInHalves is ReadByUser for whoever has two processors: PostgreSQL sorts the events of one half of the users on each. Then one half is
// read after the other.
func readInHalves(ctx context.Context, pool *pgxpool.Pool, through int64, each func(eventstore.Recorded) error) error {
	var middle *string
	if err := pool.QueryRow(ctx, selectMiddle, through).Scan(&middle); err != nil {
		return err
	}
	if middle == nil {
		return ReadByUser(ctx, pool, through, each)
	}
	halves, ctx := errgroup.WithContext(ctx)
	begun, read := make(chan struct{}), make(chan struct{})
	halves.Go(func() error {
		err := half{before: middle, begun: begun}.read(ctx, pool, through, each)
		if err == nil {
			close(read)
		}
		return err
	})
	halves.Go(func() error {
		if !happens(ctx, begun) { // whoever waits for its turn must not have the last connection
			return ctx.Err()
		}
		return half{from: middle, turn: read}.read(ctx, pool, through, each)
	})
	return halves.Wait()
}

// half is those users whose keys come before one, or do not come before another, and all if there is neither.
type half struct {
	before, from *string
	begun        chan<- struct{} // closed when it has a connection
	turn         <-chan struct{} // closed when it may be read, if it must wait
}

func (h half) read(ctx context.Context, pool *pgxpool.Pool, through int64, each func(eventstore.Recorded) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: beginReading}, func(tx pgx.Tx) error {
		if h.begun != nil {
			close(h.begun)
		}
		if _, err := tx.Exec(ctx, WithoutTimeLimit); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, readByUser, through, h.before, h.from) // returns when they are sorted
		defer rows.Close()
		if h.turn != nil && !happens(ctx, h.turn) {
			return ctx.Err()
		}
		return eventstore.Each(rows, each)
	})
}

// happens waits for something, unless ctx ends before.
func happens(ctx context.Context, it <-chan struct{}) bool {
	select {
	case <-it:
		return true
	case <-ctx.Done():
		return false
	}
}
