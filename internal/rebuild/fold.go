package rebuild

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
)

// What so many events make is copied together: some tens of kilobytes, as whoever commits waits for what has been written of
// the write-ahead log until then, or some megabytes when nobody does.
const eventsTogether, eventsTogetherAlone = 250, 10_000

// fold reads the log up to a position, user by user, and copies the rows that the users make.
func (r *Run) fold(ctx context.Context, through int64) error {
	f := folding{Run: r, rows: r.target.Rows()}
	if r.target.Shadow != nil {
		skipped, err := r.target.Live.Skipped(ctx, r.tx)
		if err != nil {
			return err
		}
		f.skipped = skipped
		if err := r.target.Shadow.Begin(ctx, r.tx, through); err != nil {
			return err
		}
	}
	err := ReadByUser(ctx, r.pool, through, func(e eventstore.Recorded) error { return f.add(ctx, e) })
	if err == nil {
		f.endUser()
		err = f.flush(ctx)
	}
	return errors.Join(err, f.settle())
}

// folding is a fold under way, at some user.
type folding struct {
	*Run
	rows    Rows
	skipped map[int64]bool

	user     uuid.UUID
	gathered int  // events, since rows were copied
	failed   bool // an event of this user
	letters  []outbox.Letter
	copying  chan error    // nil while nothing is being copied
	took     time.Duration // copying, the last time
}

func (f *folding) add(ctx context.Context, e eventstore.Recorded) error {
	f.progress.more(1)
	if err := f.way.make(ctx); err != nil {
		return err
	}
	if user := projections.UserOf(e); user != f.user {
		f.endUser()
		if err := f.flushIfMany(ctx); err != nil {
			return err
		}
		f.user, f.failed = user, false
		f.rows.Begin(user)
	}
	f.gathered++
	switch {
	case f.skipped[e.Position]:
		f.rows.Pass(e)
	case f.failed:
		f.park(e, nil)
	default:
		if err := f.rows.Add(e); err != nil {
			f.failed = true
			f.park(e, err)
		}
	}
	return nil
}

func (f *folding) park(e eventstore.Recorded, why error) {
	if f.target.Shadow != nil {
		e.Data = nil // it is in the log
		f.letters = append(f.letters, outbox.Letter{Event: e, User: f.user, Err: why})
	}
}

func (f *folding) endUser() {
	if f.user != uuid.Nil {
		f.rows.End()
	}
}

func (f *folding) flushIfMany(ctx context.Context) error {
	if f.gathered < eventsTogether || f.way.alone && f.gathered < eventsTogetherAlone {
		return nil
	}
	f.gathered = 0
	return f.flush(ctx)
}

// flush has the rows gathered so far copied, and what failed parked, while the next users are folded.
func (f *folding) flush(ctx context.Context) error {
	if err := f.settle(); err != nil {
		return err
	}
	if _, err := f.look(ctx); err != nil {
		return err
	}
	if err := f.way.rest(ctx, f.took); err != nil {
		return err
	}
	rows, letters := f.rows.Take(), f.letters
	f.letters, f.copying = nil, make(chan error, 1)
	go func() {
		began := time.Now()
		err := f.copy(ctx, rows, letters)
		f.took = time.Since(began)
		f.copying <- err
	}()
	return nil
}

// settle waits until what was flushed is copied: the transaction is in use until then.
func (f *folding) settle() error {
	if f.copying == nil {
		return nil
	}
	err := <-f.copying
	f.copying = nil
	return err
}

func (f *folding) copy(ctx context.Context, tables [][][]any, letters []outbox.Letter) error {
	for i, rows := range tables {
		if err := NewCopies(f.tx, shadowSchema).Fill(ctx, live(f.target.Tables[i]), rows); err != nil {
			return err
		}
	}
	if f.target.Shadow == nil {
		return nil
	}
	return f.target.Shadow.Park(ctx, f.tx, letters)
}

// The whole log is read and sorted, so no index helps; the sort is spilled to disk. It is left one processor, as others may
// write meanwhile.
const beginReading = `BEGIN READ ONLY; SET LOCAL statement_timeout = '30min'; SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0`

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
