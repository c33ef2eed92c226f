package tuples_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/tuples"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

const columns = `n integer, big bigint, id uuid, words text, at timestamptz, list text[], search tsvector, state jsonb`

var moment = time.Date(1999, time.December, 31, 23, 59, 59, 123_456_000, time.UTC)

func examples() (r tuples.Rows) {
	id := uuid.MustParse("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
	r.Begin(8).Int4(-7).Int8(1 << 40).UUID(id).Text("Zoë\t\"\\").TimeOrNull(moment).Texts([]string{"a", "", `b,"c`}).Vector([]string{"a", "ab", "b"}).JSON([]byte(`{"a": 1}`))
	r.Begin(8).Int4(1<<31 - 1).Int8(-1).UUID(uuid.Nil).Text("").TimeOrNull(time.Time{}).Texts(nil).Vector(nil).JSON([]byte(`[]`))
	r.Begin(8).Null().Null().Null().Null().Null().Null().Null().Null()
	return r
}

// What is copied in is what was said, and what PostgreSQL copies out are the same bytes.
func TestRowsAreThoseOfPostgreSQL(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.DB(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	if _, err := conn.Exec(t.Context(), `SET timezone = 'UTC'; CREATE TEMP TABLE rows (`+columns+`)`); err != nil {
		t.Fatal(err)
	}
	rows := examples()
	if tag, err := conn.PgConn().CopyFrom(t.Context(), rows.File(), `COPY rows FROM STDIN (FORMAT binary)`); err != nil || tag.RowsAffected() != 3 {
		t.Fatal(tag, err)
	}
	texts, _ := conn.Query(t.Context(), `SELECT rows::text FROM rows`)
	got, err := pgx.CollectRows(texts, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`(-7,1099511627776,0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b,"Zoë	""\\","1999-12-31 23:59:59.123456+00","{a,"""",""b,\\""c""}","'a' 'ab' 'b'","{""a"": 1}")`,
		`(2147483647,-1,00000000-0000-0000-0000-000000000000,"",,{},"",[])`,
		`(,,,,,,,)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copied in (-want +got): %s", diff)
	}
	var file bytes.Buffer
	if _, err := conn.PgConn().CopyTo(t.Context(), &file, `COPY rows TO STDOUT (FORMAT binary)`); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(rows.File())
	if diff := cmp.Diff(said, file.Bytes()); diff != "" || err != nil {
		t.Errorf("copied out (-said +found): %s%v", diff, err)
	}
}

func TestRowsAreTakenOnce(t *testing.T) {
	t.Parallel()
	r := examples()
	taken := r.Take()
	if taken.Empty() || !r.Empty() {
		t.Errorf("taken: none %v; left: none %v", taken.Empty(), r.Empty())
	}
}
