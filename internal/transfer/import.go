package transfer

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc/internal/outbox"
)

// ErrMoved says that the log has grown while the file was imported. What was imported until then is in it.
var ErrMoved = errors.New("somebody else has appended to the log meanwhile: it is no beginning of the file any more")

// Imported says what became of a file.
type Imported struct {
	Before int64 // events that were in the log
	Lines  int64 // of the file; the log ends there
}

// Import appends the events of a file that the log does not have yet. conn is a connection of a role that may act
// as the owner of the log; it is good for nothing else afterwards. An error is an *Unacceptable, ErrMoved, or one
// of the file or the database; after all of them the same file may be imported again.
func Import(ctx context.Context, conn *pgx.Conn, from io.Reader, progress Progress) (Imported, error) {
	done, err := importAll(ctx, conn, from, progress)
	var bad *Unacceptable
	if err != nil && !errors.As(err, &bad) && !errors.Is(err, ErrMoved) {
		err = fmt.Errorf("import: %w", outbox.Discreet(err))
	}
	return done, err
}

func importAll(ctx context.Context, conn *pgx.Conn, from io.Reader, progress Progress) (done Imported, err error) {
	if _, err = conn.Exec(ctx, becomeOwner); err != nil {
		return done, err
	}
	if done.Lines, err = stage(ctx, conn, from, progress); err != nil {
		return done, err
	}
	// Before it is compared: what is appended from here on is either compared as well or found by append_staged.
	if err = conn.QueryRow(ctx, selectEnd).Scan(&done.Before); err != nil {
		return done, err
	}
	if done.Before > done.Lines {
		return done, &Unacceptable{done.Lines + 1, fmt.Sprintf("the file ends here, and the log has %d events", done.Before)}
	}
	if err = checkAll(ctx, conn, done.Lines, progress); err != nil {
		return done, err
	}
	return done, appendAll(ctx, conn, done, progress)
}

// The rights of the owner, no limits on how long a statement may take, and as much memory to sort the file in as a processor's cache holds.
const becomeOwner = `
SET ROLE usersvc_owner;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout');
SET enable_seqscan = on; SET jit = off; SET work_mem = '16MB'; SET maintenance_work_mem = '16MB'; SET temp_buffers = '64MB'`

//go:embed append.sql
var makeAppendStaged string

// For as long as these take, a tenth of a second or two, nobody else can append.
const eventsTogether = 20_000

// An instant is never split: whoever has read it has all of it.
const selectChunkEnd = `
SELECT COALESCE((
  SELECT s.position - 1 FROM staged s
  WHERE s.position > $1 AND s.recorded_at > (SELECT recorded_at FROM staged WHERE position = $1)
  ORDER BY s.position LIMIT 1
), $2)`

const appendStaged = `SELECT pg_temp.append_staged($1, $2)`

// appendAll appends chunk after chunk. Where the log ends is where the next import of this file goes on.
func appendAll(ctx context.Context, conn *pgx.Conn, file Imported, progress Progress) error {
	if _, err := conn.Exec(ctx, makeAppendStaged); err != nil {
		return err
	}
	for head := file.Before; head < file.Lines; {
		progress("appending", head-file.Before, file.Lines-file.Before)
		var last int64
		if err := conn.QueryRow(ctx, selectChunkEnd, min(head+eventsTogether, file.Lines), file.Lines).Scan(&last); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, appendStaged, head+1, last); err != nil {
			return moved(err)
		}
		head = last
	}
	return nil
}

// moved recognises what append_staged says of a log that has grown.
func moved(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "UL002" {
		return ErrMoved
	}
	return err
}
