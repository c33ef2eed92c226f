package transfer_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/transfer"
)

func TestRoundTripKeepsEveryByte(t *testing.T) {
	t.Parallel()
	first, second := pgtest.DB(t), pgtest.DB(t)
	mustImport(t, first, text(history()), transfer.Imported{Lines: 9})
	isRight(t, first)
	one := export(t, first, transfer.Range{})
	mustImport(t, second, one, transfer.Imported{Lines: 9})
	if two := export(t, second, transfer.Range{}); two != one {
		t.Errorf("the second export is\n%s\nand the first was\n%s", two, one)
	}
}

// An event stands under another id than its first where users had that and the next before it.
func TestEventsThatHadToEvadeUsers(t *testing.T) {
	t.Parallel()
	first := origin.StreamID()
	second := domain.NextStreamID(first)
	var f file
	f.add("user", first, "UserCreated", 2, `{"email":"ada@example.com","displayName":"Ada"}`)
	f.add("user", second, "UserCreated", 2, `{"email":"eve@example.com","displayName":"Eve"}`)
	f.post(domain.NextStreamID(second))
	db := pgtest.DB(t)
	mustImport(t, db, text(f.lines), transfer.Imported{Lines: 3})
	mustImport(t, pgtest.DB(t), export(t, db, transfer.Range{}), transfer.Imported{Lines: 3})
	isRight(t, db)
}

// Wherever a chunk ends, addresses belong to those who hold them then.
func TestClaimsAreRightAfterEachEvent(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	for n := range history() {
		mustImport(t, db, text(history()[:n+1]), transfer.Imported{Before: int64(n), Lines: int64(n + 1)})
		isRight(t, db)
	}
}

// What is written is what is stored: members in their order, no upcasting, times with all their digits.
func TestExportWritesWhatIsStored(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	mustImport(t, db, text(history()), transfer.Imported{Lines: 9})
	first, rest, _ := strings.Cut(export(t, db, transfer.Range{}), "\n")
	want := `{"position":1,"id":"01890000-0000-7000-8001-000000000001","streamType":"user","streamId":"01890000-0000-7000-8002-000000000001",` +
		`"version":1,"type":"UserCreated","schemaVersion":1,"data":{"name": "Ada King Lovelace", "email": "ada@example.com"},` +
		`"metadata":{"actor": "old system", "source": "import", "correlationId": "01890000-0000-7000-8000-000000000001"},"recordedAt":"2024-02-29T23:59:01.000000Z"}`
	if first != want {
		t.Errorf("the first line is\n%s\nwant\n%s", first, want)
	}
	if !strings.Contains(rest, `[1.50, -0.002, {"a": null, "b\"": "\\u0000 [[7e999"}]`) {
		t.Errorf("members that nobody knows, the digits of a number, or the text of an escape, are lost:\n%s", rest)
	}
}

func TestPiecesAreTheWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	mustImport(t, db, text(many(6000)), transfer.Imported{Lines: 6000}) // more than one statement reads
	whole := export(t, db, transfer.Range{})
	if n := strings.Count(whole, "\n"); n != 6000 {
		t.Fatalf("the export has %d lines", n)
	}
	pieces := export(t, db, transfer.Range{Through: 1}) + export(t, db, transfer.Range{After: 1, Through: 5500}) + export(t, db, transfer.Range{After: 5500})
	if pieces != whole {
		t.Error("the pieces are not the whole")
	}
	if nothing := export(t, db, transfer.Range{After: 6000}); nothing != "" {
		t.Errorf("behind the end is %q", nothing)
	}
}

func TestRangesThatAreNot(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	mustImport(t, db, text(history()), transfer.Imported{Lines: 9})
	for _, r := range []transfer.Range{{After: -1}, {After: 10}, {Through: 10}, {After: 3, Through: 2}, {Through: -1}} {
		var out bytes.Buffer
		if _, err := transfer.Export(t.Context(), pgtest.Pool(t, db.URL), r, &out, silent); err == nil || out.Len() > 0 {
			t.Errorf("%+v: %v, and %d bytes", r, err, out.Len())
		}
	}
}

// The application may read the log, and nothing more: an import is an operator's.
func TestImportIsNotForTheApplication(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	_, err := imports(t, pgtest.Database{URL: db.URL, AdminURL: db.URL}, text(history()))
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("the application's role imports: %v", err)
	}
	if stored := export(t, db, transfer.Range{}); stored != "" {
		t.Errorf("stored was\n%s", stored)
	}
}

func TestPositionAndIDAreMade(t *testing.T) {
	t.Parallel()
	db, again := pgtest.DB(t), pgtest.DB(t)
	var bare []string
	for n, line := range history() {
		_, rest, _ := strings.Cut(line, `,"streamType"`)
		bare = append(bare, `{"streamType"`+rest)
		if n == 0 {
			mustImport(t, db, text(bare), transfer.Imported{Lines: 1})
		}
	}
	mustImport(t, db, text(bare), transfer.Imported{Before: 1, Lines: 9}) // with the id that it was given before
	mustImport(t, again, text(bare), transfer.Imported{Lines: 9})
	one := export(t, db, transfer.Range{})
	if export(t, again, transfer.Range{}) != one {
		t.Error("two imports make different ids")
	}
	isRight(t, db)
	// The time of the event, version 7, variant 10.
	if !strings.HasPrefix(one, `{"position":1,"id":"018df74e-9d88-7`) {
		t.Errorf("the first id is not of the event's time: %.100s", one)
	}
}

// live is a file whose only event is recorded when it is read, after the import has begun.
type live struct {
	record func() string
	line   *strings.Reader
}

func (l *live) Read(p []byte) (int, error) {
	if l.line == nil {
		l.line = strings.NewReader(l.record())
	}
	return l.line.Read(p)
}

// An export that is piped into an import has events that are younger than both.
func TestEventsMayBeYoungerThanTheImport(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	pool := pgtest.Pool(t, db.URL)
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	from := &live{record: func() string {
		var now time.Time
		if err := pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
			t.Error(err)
		}
		return text(changed(history()[:1], 1, "2024-02-29T23:59:01.000000Z", now.UTC().Format(time.RFC3339Nano)))
	}}
	if done, err := transfer.Import(t.Context(), conn, from, silent); err != nil || done.Lines != 1 {
		t.Errorf("imported %+v, %v", done, err)
	}
}

// How far a file is read is told as a share of it, when it is a file.
func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(text(many(6000))), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	told := make(map[string][2]int64)
	tell := func(phase string, done, total int64) { told[phase] = [2]int64{done, total} }
	if _, err := transfer.Import(t.Context(), conn, file, tell); err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.Export(t.Context(), pgtest.Pool(t, db.URL), transfer.Range{After: 500}, io.Discard, tell); err != nil {
		t.Fatal(err)
	}
	if reading := told["reading"]; reading[0] != 5000 || reading[1] < 5900 || reading[1] > 6100 {
		t.Errorf("reading: %v, want 5000 of about 6000", reading)
	}
	if told["appending"] != [2]int64{0, 6000} || told["exporting"] != [2]int64{5500, 5500} {
		t.Errorf("told was %v", told)
	}
}
