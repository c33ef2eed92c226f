package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/transfer"
)

// Two chunks, and an instant that lies across the border between them.
func twoChunks() []string {
	lines := many(25_000)
	for n := 19_990; n < 20_010; n++ {
		at := strings.Index(lines[n], `"recordedAt"`)
		lines[n] = lines[n][:at] + lines[19_989][strings.Index(lines[19_989], `"recordedAt"`):]
	}
	return lines
}

func TestImportIsInterruptedBetweenInstantsAndRepeated(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	lines := twoChunks()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err := importsWatched(ctx, t, db, text(lines), func(phase string, done, _ int64) {
		if phase == "appending" && done > 0 {
			stop()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Fatalf("interrupted: %v", err)
	}
	isRight(t, db)
	mustImport(t, db, text(lines), transfer.Imported{Before: 20_010, Lines: 25_000})
	isRight(t, db)
	whole := pgtest.DB(t)
	mustImport(t, whole, text(lines), transfer.Imported{Lines: 25_000})
	if export(t, db, transfer.Range{}) != export(t, whole, transfer.Range{}) {
		t.Error("two halves are not the whole")
	}
}

// Whenever somebody else appends, the import ends, and what it has appended is the beginning of its file.
func TestImportEndsWhenSomebodyElseAppends(t *testing.T) {
	t.Parallel()
	few := history()
	for phase, c := range map[string]struct {
		lines []string
		from  int64 // of done
		kept  int
	}{
		"reading":            {many(5000), 0, 0},
		"sorting":            {few, 0, 0},
		"checking the log":   {few, 0, 0},
		"appending":          {few, 0, 0},
		"appending the rest": {twoChunks(), 1, 20_010},
	} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			db := pgtest.DB(t)
			_, err := importsWatched(t.Context(), t, db, text(c.lines), func(now string, done, _ int64) {
				if strings.HasPrefix(phase, now) && done >= c.from {
					somebodyAppends(t, db)
				}
			})
			var bad *transfer.Unacceptable
			if !errors.Is(err, transfer.ErrMoved) && !errors.As(err, &bad) {
				t.Errorf("got %v, want ErrMoved", err)
			}
			stored := strings.Split(strings.TrimSpace(export(t, db, transfer.Range{})), "\n")
			if len(stored) != c.kept+1 || !strings.Contains(stored[c.kept], `"position":`) || !strings.Contains(stored[c.kept], "RoleGranted") {
				t.Errorf("%d events are stored, want %d and that of somebody else", len(stored), c.kept)
			}
			if _, err := imports(t, db, text(c.lines)); err == nil {
				t.Error("a file was imported behind the event of somebody else")
			}
		})
	}
}

// somebodyAppends as the service does, by its door.
func somebodyAppends(t *testing.T, db pgtest.Database) {
	log := eventstore.Open(pgtest.Pool(t, db.URL))
	defer log.Close(context.WithoutCancel(t.Context()))
	_, err := log.Append(t.Context(), eventstore.Command{StreamType: "user", StreamID: uuid.Must(uuid.NewV7()), Events: []eventstore.Event{
		{ID: uuid.Must(uuid.NewV7()), Type: "RoleGranted", SchemaVersion: 1, Data: []byte(`{"role":"admin"}`)},
	}})
	if err != nil {
		t.Error(err)
	}
}

// A bad last line is found before anything is appended, though there is more before it than a chunk.
func TestNothingIsAppendedBeforeTheLastLineIsRead(t *testing.T) {
	t.Parallel()
	lines := slices.Concat(twoChunks(), []string{"{}"})
	isRefused(t, pgtest.DB(t), text(lines), 25_001, "missing")
}

// Nobody waits for an import that reads: its rows go into a table of its own, without the lock.
func TestOthersAppendWhileAFileIsRead(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	appended := false
	_, _ = importsWatched(t.Context(), t, db, text(many(5000)), func(phase string, _, _ int64) {
		if phase == "reading" && !appended {
			somebodyAppends(t, db)
			appended = true
		}
	})
	if !appended {
		t.Error("nobody appended while the file was read")
	}
}

// What was written is told with the error, and the rest can be exported behind it.
func TestExportSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	mustImport(t, db, text(many(6000)), transfer.Imported{Lines: 6000})
	var out bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	last, err := transfer.Export(ctx, pgtest.Pool(t, db.URL), transfer.Range{}, &out, func(string, int64, int64) { stop() })
	if err == nil || last != int64(strings.Count(out.String(), "\n")) || last == 0 {
		t.Fatalf("up to %d, %v", last, err)
	}
	if out.String()+export(t, db, transfer.Range{After: last}) != export(t, db, transfer.Range{}) {
		t.Error("the rest does not go on where it was interrupted")
	}
}

// full is a disk with so many bytes left.
type full struct {
	bytes.Buffer
	left int
}

func (f *full) Write(p []byte) (int, error) {
	n, _ := f.Buffer.Write(p[:min(len(p), f.left)])
	if f.left -= n; n < len(p) {
		return n, errors.New("no space is left")
	}
	return n, nil
}

// A disk may take a part of what it is given, so that more lines are there than those that count.
func TestExportToAFullDisk(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	mustImport(t, db, text(many(6000)), transfer.Imported{Lines: 6000})
	whole := export(t, db, transfer.Range{})
	out := &full{left: len(whole) - 1000}
	last, err := transfer.Export(t.Context(), pgtest.Pool(t, db.URL), transfer.Range{}, out, silent)
	if err == nil || last != 5000 {
		t.Fatalf("up to %d, %v", last, err)
	}
	kept := strings.Join(strings.SplitAfter(out.String(), "\n")[:last], "")
	if kept+export(t, db, transfer.Range{After: last}) != whole {
		t.Error("the lines that count and the rest are not the whole")
	}
}

const waitsForTheLog = `
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7310579 AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

// While somebody holds the lock of the log, as an append does, an import gets as far as it can and waits.
func TestAppendingWaitsForTheLock(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	holder, err := pgx.Connect(t.Context(), db.AdminURL)
	if err == nil {
		_, err = holder.Exec(t.Context(), `SELECT pg_advisory_lock(7310579)`)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := imports(t, db, text(history()))
		done <- err
	}()
	for waits := false; !waits; {
		select {
		case err := <-done:
			t.Fatalf("the import has not waited: %v", err)
		default:
		}
		if err := holder.QueryRow(t.Context(), waitsForTheLog).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if stored := export(t, db, transfer.Range{}); stored != "" {
		t.Errorf("stored without the lock: %s", stored)
	}
	if err := errors.Join(holder.Close(t.Context()), <-done); err != nil {
		t.Error(err)
	}
}
