package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/transfer"
	"github.com/usersvc/usersvc/internal/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

// file is written as an export would be, an event a second.
type file struct {
	lines    []string
	versions map[uuid.UUID]int
}

var began = time.Date(2024, 2, 29, 23, 59, 0, 0, time.UTC)

const metadata = `{"actor":"old system","source":"import","correlationId":"01890000-0000-7000-8000-000000000001"}`

func (f *file) add(streamType string, stream uuid.UUID, typ string, schema int, data string) {
	if f.versions == nil {
		f.versions = make(map[uuid.UUID]int)
	}
	f.versions[stream]++
	n := len(f.lines) + 1
	f.lines = append(f.lines, fmt.Sprintf(
		`{"position":%d,"id":"01890000-0000-7000-8001-%012d","streamType":%q,"streamId":"%s","version":%d,"type":%q,"schemaVersion":%d,"data":%s,"metadata":%s,"recordedAt":"%s"}`,
		n, n, streamType, stream, f.versions[stream], typ, schema, data, metadata, began.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000000Z")))
}

func (f *file) user(n int, typ string, schema int, data string) {
	f.add("user", user(n), typ, schema, data)
}

// post is the event of the origin, wherever its stream is.
func (f *file) post(stream uuid.UUID) {
	f.add("activity", stream, "PostCreated", 1, fmt.Sprintf(`{"source":%q,"id":%q,"authorId":"%s"}`, origin.Source, origin.ID, user(3)))
}

func user(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("01890000-0000-7000-8002-%012d", n)) }

func text(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// history is of three users, two of whom have the same address one after the other, and of a post.
func history() []string {
	var f file
	f.user(1, "UserCreated", 1, `{"email":"ada@example.com","name":"Ada King Lovelace"}`)
	f.user(2, "UserCreated", 2, `{"email":"bob@example.com","displayName":"Bob","firstName":"","lastName":"","more":[1.50,-2e-3,{"a":null,"b\"":"\\u0000 [[7e999"}]}`)
	f.user(1, "UserEmailChanged", 1, `{"newEmail":"countess@example.com"}`)
	f.user(2, "UserEmailChanged", 1, `{"newEmail":"ADA@example.com"}`)
	f.user(2, "UserEmailChanged", 1, `{"newEmail":"ada@example.com"}`)
	f.user(2, "UserDeleted", 1, `{}`)
	f.user(3, "UserCreated", 2, `{"email":"ada@example.com","displayName":"Ada \u00e9\n"}`)
	f.user(3, "RoleGranted", 1, `{"role":"admin"}`)
	f.post(origin.StreamID())
	return f.lines
}

var origin = domain.Origin{Source: "/posts", ID: "1"}

// many are so many events of a thousand users.
func many(events int) []string {
	var f file
	for n := range events {
		if n < 1000 {
			f.user(n, "UserCreated", 1, fmt.Sprintf(`{"email":"user%d@example.com","name":"User %d"}`, n, n))
		} else {
			f.user(n%1000, "UserEmailChanged", 1, fmt.Sprintf(`{"newEmail":"user%d@example.com"}`, n))
		}
	}
	return f.lines
}

func silent(string, int64, int64) {}

func imports(t *testing.T, db pgtest.Database, text string) (transfer.Imported, error) {
	t.Helper()
	return importsWatched(t.Context(), t, db, text, silent)
}

func importsWatched(ctx context.Context, t *testing.T, db pgtest.Database, text string, progress transfer.Progress) (transfer.Imported, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	return transfer.Import(ctx, conn, strings.NewReader(text), progress)
}

func mustImport(t *testing.T, db pgtest.Database, text string, want transfer.Imported) {
	t.Helper()
	if got, err := imports(t, db, text); err != nil || got != want {
		t.Fatalf("imported %+v, %v; want %+v", got, err, want)
	}
}

func export(t *testing.T, db pgtest.Database, r transfer.Range) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := transfer.Export(t.Context(), pgtest.Pool(t, db.URL), r, &out, silent); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// isRight asks verify, which replays the log: for the claims, too.
func isRight(t *testing.T, db pgtest.Database) {
	t.Helper()
	report, err := verify.Check(t.Context(), pgtest.Pool(t, db.URL), nil)
	if err != nil || !report.Right() {
		t.Errorf("after the import: %+v, %v", report, err)
	}
}

// isRefused wants a line to be at fault, and the log as it was.
func isRefused(t *testing.T, db pgtest.Database, text string, line int64, why string) {
	t.Helper()
	before := export(t, db, transfer.Range{})
	_, err := imports(t, db, text)
	var bad *transfer.Unacceptable
	if !errors.As(err, &bad) || bad.Line != line || !strings.Contains(bad.Why, why) {
		t.Errorf("got %v, want line %d and %q", err, line, why)
	}
	if after := export(t, db, transfer.Range{}); after != before {
		t.Errorf("a file was refused, and of it was stored\n%s", after)
	}
}

func changed(lines []string, n int, from, to string) []string {
	lines = slices.Clone(lines)
	lines[n-1] = strings.Replace(lines[n-1], from, to, 1)
	return lines
}
