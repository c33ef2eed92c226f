package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
)

// A line is an event: what a client may send of one is 64 KiB.
const maxLine = 1 << 20

// claim is what an event does to the address that its stream holds: nothing, if it is nil; the empty one is none.
type claim *string

var none = new(string)

// lines reads a file for COPY, and ends it at the first line that is not in order.
type lines struct {
	from     *bufio.Scanner
	clock    clock
	progress Progress
	size     int64 // of the file in bytes; 0: not known
	read     int64 // of it

	event  event // of the line at hand
	claim  claim
	passed [][16]byte // ids that users have to have before it, or else its stream would have the first of them
	err    error
}

func newLines(from io.Reader, clock clock, progress Progress) *lines {
	l := &lines{from: bufio.NewScanner(from), clock: clock, progress: progress}
	l.from.Buffer(make([]byte, 64<<10), maxLine)
	if file, ok := from.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			l.size = info.Size()
		}
	}
	return l
}

// Next reads and checks a line, as far as that is possible without the others.
func (l *lines) Next() bool {
	line := l.event.position + 1
	if !l.from.Scan() {
		if l.err = l.from.Err(); errors.Is(l.err, bufio.ErrTooLong) {
			l.err = &Unacceptable{line, fmt.Sprintf("it is longer than %d bytes", maxLine)}
		}
		return false
	}
	before := l.event.recordedAt
	var err error
	if l.event, err = parse(l.from.Bytes(), line); err == nil {
		err = l.checkEvent(before)
	}
	if err != nil {
		l.err = &Unacceptable{line, err.Error()}
	}
	if l.read += int64(len(l.from.Bytes()) + 1); line%linesTogether == 0 {
		l.progress("reading", line, line*l.size/l.read) // if the rest is like what was read
	}
	return err == nil
}

func (l *lines) checkEvent(before time.Time) (err error) {
	e := l.event
	switch {
	case e.recordedAt.Before(before):
		return errors.New("recordedAt is before that of the line before")
	case !e.exported && l.clock.isFuture(e.recordedAt): // the clock of a log was perhaps ahead once, and what comes after copes
		return errors.New("recordedAt is in the future")
	}
	l.claim, l.passed = nil, nil
	switch e.streamType {
	case domain.StreamType:
		l.claim, err = claimOf(e)
		return err
	case domain.ActivityType:
		l.passed, err = passedBy(e)
		return err
	}
	return fmt.Errorf("streamType is neither %q nor %q", domain.StreamType, domain.ActivityType)
}

// An index of PostgreSQL has no room for much more. What the service takes is far shorter.
const maxClaim = 2000

// claimOf reads an event as everyone who folds it does.
func claimOf(e event) (claim, error) {
	decoded, err := domain.Decode(e.typ, int(e.schema), e.data)
	address := ""
	switch decoded := decoded.(type) {
	case domain.UserCreated:
		address = decoded.Email
	case domain.UserEmailChanged:
		address = decoded.NewEmail
	case domain.UserDeleted:
		return none, nil
	default:
		return nil, err
	}
	canonical := domain.CanonicalEmail(address)
	if len(canonical) > maxClaim {
		return nil, fmt.Errorf("its address is longer than %d bytes", maxClaim)
	}
	return &canonical, nil
}

// passedBy follows the ids that an event of another domain might have, up to its own: one for each line before it.
func passedBy(e event) (ids [][16]byte, err error) {
	origin, _, err := domain.DecodeActivity(e.typ, int(e.schema), e.data)
	if err != nil {
		return nil, err
	}
	for id := origin.StreamID(); id != e.streamID; id = domain.NextStreamID(id) {
		if ids = append(ids, id); int64(len(ids)) == e.position {
			return nil, fmt.Errorf("streamId is not %s, which source and id make: sent again, the event would be kept twice", origin.StreamID())
		}
	}
	return ids, nil
}

// Values are a row of the staged table.
func (l *lines) Values() ([]any, error) {
	e := &l.event
	return []any{
		e.position, e.recordedAt, [16]byte(e.id), [16]byte(e.streamID), e.version, e.schema, e.streamType, e.typ, e.data, e.metadata,
		(*string)(l.claim), l.passed,
	}, nil
}

// Err is why the lines have ended before their end.
func (l *lines) Err() error { return l.err }

const makeStaged = `
CREATE TEMP TABLE staged (
  position bigint, recorded_at timestamptz, event_id uuid, stream_id uuid, version integer, schema_version smallint,
  stream_type text, type text, data jsonb, metadata jsonb,
  claim text COLLATE "C", -- the address that the stream holds from here on, '' for none; NULL: as before
  passed uuid[] -- the ids that users have to have before, for this to be the stream's; NULL: none
)`

var stagedColumns = []string{
	"position", "recorded_at", "event_id", "stream_id", "version", "schema_version", "stream_type", "type", "data", "metadata", "claim", "passed",
}

// stage brings a file into a table that is this session's alone: nothing that anybody else uses is locked, and
// nothing is left when the session ends, however it does.
func stage(ctx context.Context, conn *pgx.Conn, from io.Reader, progress Progress) (count int64, err error) {
	if _, err := conn.Exec(ctx, makeStaged); err != nil {
		return 0, err
	}
	var c clock
	if err := c.ask(ctx, conn); err != nil {
		return 0, err
	}
	l := newLines(from, c, progress)
	count, err = conn.CopyFrom(ctx, pgx.Identifier{"staged"}, stagedColumns, l)
	if l.err != nil {
		err = l.err // of which the database says only that the client gave up
	}
	return count, err
}
