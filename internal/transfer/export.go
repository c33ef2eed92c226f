package transfer

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/outbox"
)

// Progress is told how far a phase is, in events. A total of 0 is not known.
type Progress func(phase string, done, total int64)

// Range says which events are exported: those behind one position and up to another.
type Range struct {
	After   int64
	Through int64 // 0: the end of the log as it is now
}

// Read by one statement: some megabytes. It is over before they are written, however slowly they are taken.
const linesTogether = 5000

// Export writes a part of the log and returns the position of the last line. That is told with an error, too:
// the lines up to there are whole, and the rest can be exported behind them. If it was the writer that failed,
// it may have taken some of the rest already.
func Export(ctx context.Context, pool *pgxpool.Pool, r Range, to io.Writer, progress Progress) (last int64, err error) {
	if err := r.resolve(ctx, pool); err != nil {
		return r.After, err
	}
	var lines []byte
	for last = r.After; last < r.Through; {
		next := min(last+linesTogether, r.Through)
		if lines, err = appendLines(ctx, pool, lines[:0], last, next); err != nil {
			return last, fmt.Errorf("export: %w", outbox.Discreet(err))
		}
		if _, err := to.Write(lines); err != nil {
			return last, fmt.Errorf("write the export: %w", err)
		}
		last = next
		progress("exporting", last-r.After, r.Through-r.After)
	}
	return last, nil
}

const selectEnd = `SELECT COALESCE(max(position), 0) FROM eventlog.events`

// resolve finds the end, once.
func (r *Range) resolve(ctx context.Context, pool *pgxpool.Pool) error {
	var end int64
	if err := pool.QueryRow(ctx, selectEnd).Scan(&end); err != nil {
		return fmt.Errorf("export: %w", outbox.Discreet(err))
	}
	if r.Through == 0 {
		r.Through = end
	}
	switch {
	case r.After < 0 || r.After > end || r.Through > end:
		return fmt.Errorf("export the events behind position %d, up to %d: the log has the positions 1 to %d", r.After, r.Through, end)
	case r.After > r.Through:
		return fmt.Errorf("export the events behind position %d, up to %d: that is backwards", r.After, r.Through)
	}
	return nil
}

const selectLines = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, metadata, recorded_at
FROM eventlog.events WHERE position > $1 AND position <= $2 ORDER BY position`

func appendLines(ctx context.Context, pool *pgxpool.Pool, lines []byte, after, through int64) ([]byte, error) {
	rows, _ := pool.Query(ctx, selectLines, after, through)
	var e event
	last := after
	_, err := pgx.ForEachRow(rows, e.columns(), func() (err error) {
		if last++; e.position != last {
			return fmt.Errorf("position %d is missing in the log", last)
		}
		lines, err = e.appendLine(lines)
		return err
	})
	if err == nil && last < through {
		err = fmt.Errorf("position %d is missing in the log", last+1)
	}
	return lines, err
}
