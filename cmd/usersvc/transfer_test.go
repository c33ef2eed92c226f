package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A file as another system would write it: neither positions nor ids, and the first schema of UserCreated.
const (
	adaID, bobID = "01890000-0000-7000-8002-000000000001", "01890000-0000-7000-8002-000000000002"
	oldSystem    = `"metadata":{"actor":"old system","source":"import","correlationId":"01890000-0000-7000-8000-000000000001"}`
	oldFile      = `{"streamType":"user","streamId":"` + adaID + `","version":1,"type":"UserCreated","schemaVersion":1,"data":{"email":"ada@example.com","name":"Ada King Lovelace"},` + oldSystem + `,"recordedAt":"2024-02-29T10:00:00Z"}
{"streamType":"user","streamId":"` + bobID + `","version":1,"type":"UserCreated","schemaVersion":1,"data":{"email":"bob@example.com","name":"Bob"},` + oldSystem + `,"recordedAt":"2024-02-29T10:00:00.5Z"}
`
)

func inFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func environmentOf(db pgtest.Database) []string {
	return []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL}
}

// The service runs all the while, and shows what was imported in every place that shows users.
func TestImportedUsersHaveFirstAndLastNamesEverywhere(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	p := serve(t, t.TempDir(), environmentOf(db)...)
	said := wantStatus(t, 0, environmentOf(db), "import", inFile(t, oldFile))
	if said != "imported 2 events; 0 were in the log, which ends at position 2\n" {
		t.Errorf("import says %q", said)
	}
	p.showsAda(t)
	wantStatus(t, 0, environmentOf(db), "rebuild", "user_profiles")
	p.showsAda(t)
	wantStatus(t, 0, environmentOf(db), "verify")
	exported := wantStatus(t, 0, environmentOf(db), "export")
	if !strings.Contains(exported, `"schemaVersion":1,"data":{"name": "Ada King Lovelace", "email": "ada@example.com"}`) {
		t.Errorf("the export is not what is stored: %s", exported)
	}
	// The address is claimed, and the log goes on.
	p.must(409, "POST", "/v1/users", `{"email": "ADA@example.com", "displayName": "Eve"}`)
	p.must(200, "PUT", "/v1/users/"+adaID+"/email", `{"email": "countess@example.com"}`)
	p.create("ada@example.com")
}

func (p *process) showsAda(t *testing.T) {
	t.Helper()
	isAda := func(where string, user any) {
		t.Helper()
		u, _ := user.(map[string]any)
		if u["firstName"] != "Ada" || u["lastName"] != "King Lovelace" || u["displayName"] != "Ada King Lovelace" {
			t.Errorf("%s: %v", where, user)
		}
	}
	isAda("by id", p.must(200, "GET", "/v1/users/"+adaID, "").body)
	isAda("the past", p.must(200, "GET", "/v1/users/"+adaID+"?as_of=2024-02-29T10:00:00Z", "").body)
	isAda("by address", first(t, p.must(200, "GET", "/v1/users?email=Ada@example.com", "")))
	isAda("list", first(t, p.caughtUp("/v1/users?min_position=2")))
	isAda("search", first(t, p.caughtUp("/v1/users?q=lovelace&min_position=2")))
	isAda("events", first(t, p.must(200, "GET", "/v1/users/"+adaID+"/events", "")).(map[string]any)["data"])
	isAda("feed", first(t, p.must(200, "GET", "/v1/events", "")).(map[string]any)["data"])
	changes := make(map[string]any)
	for _, c := range first(t, p.must(200, "GET", "/v1/users/"+adaID+"/history", "")).(map[string]any)["changes"].([]any) {
		changes[c.(map[string]any)["field"].(string)] = c.(map[string]any)["to"]
	}
	isAda("history", changes)
}

func first(t *testing.T, a answer) any {
	t.Helper()
	data, _ := a.body["data"].([]any)
	if len(data) == 0 {
		t.Fatalf("nothing is shown: %v", a.body)
	}
	return data[0]
}

// What the service has written itself is exported, piece by piece and as a whole, and is the same log elsewhere.
func TestExportIsTheSameLogElsewhere(t *testing.T) {
	t.Parallel()
	db, elsewhere := pgtest.DB(t), pgtest.DB(t)
	p := serve(t, t.TempDir(), environmentOf(db)...)
	ada := p.create("ada@example.com")
	p.must(200, "PUT", "/v1/users/"+ada+"/roles/admin", "")
	p.must(200, "POST", "/v1/events", `{"specversion":"1.0","id":"1","source":"/posts","type":"PostCreated","data":{"authorId":"`+ada+`"}}`, "Content-Type: application/cloudevents+json")
	p.must(200, "DELETE", "/v1/users/"+ada, "")
	p.create("ada@example.com")
	whole := filepath.Join(t.TempDir(), "whole.ndjson")
	if said := wantStatus(t, 0, environmentOf(db), "export", "--output", whole); said != "" {
		t.Errorf("beside a file, standard output has %q", said)
	}
	pieces := wantStatus(t, 0, environmentOf(db), "export", "--through=2") + wantStatus(t, 0, environmentOf(db), "export", "--after=2")
	text, err := os.ReadFile(whole)
	if err != nil || string(text) != pieces || strings.Count(pieces, "\n") != 5 {
		t.Errorf("the whole (%v) is\n%s\nand the pieces are\n%s", err, text, pieces)
	}
	cmd := program(t.Context(), t.TempDir(), environmentOf(elsewhere), "import")
	cmd.Stdin = strings.NewReader(pieces)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("import from standard input: %v\n%s", err, out)
	}
	if again := wantStatus(t, 0, environmentOf(elsewhere), "export"); again != pieces {
		t.Errorf("exported again it is\n%s", again)
	}
	wantStatus(t, 0, environmentOf(elsewhere), "verify")
	wantStatus(t, 1, environmentOf(elsewhere), "import", inFile(t, oldFile))
	// A post that was taken before is known elsewhere, too.
	q := serve(t, t.TempDir(), environmentOf(elsewhere)...)
	report := q.must(200, "POST", "/v1/events", `{"specversion":"1.0","id":"1","source":"/posts","type":"PostCreated","data":{"authorId":"`+ada+`"}}`, "Content-Type: application/cloudevents+json")
	if status := first(t, report).(map[string]any)["status"]; status != "duplicate" {
		t.Errorf("a post that was imported is sent again: %v", status)
	}
}

// The two lines of the README are typed on two databases.
func TestMoveOfTheReadme(t *testing.T) {
	t.Parallel()
	from, to := pgtest.DB(t), pgtest.DB(t)
	wantStatus(t, 0, environmentOf(from), "import", inFile(t, oldFile))
	for _, b := range blocksOf(t, readme) {
		if b.isMove() {
			if said := bash(t, b.text, programOnPath(t), "DATABASE_URL="+from.URL, "elsewhere="+to.AdminURL); !strings.HasPrefix(said, "imported 2 events;") {
				t.Errorf("%s\nsays %q", b.text, said)
			}
			return
		}
	}
	t.Error("the README moves nothing")
}

const firstChunk = 20_000

// kill -9 in the midst of the second chunk: the first is stored, and the same command goes on behind it.
func TestKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	file := inFile(t, manyLines(firstChunk+100))
	release := holdSecondChunk(t, db)
	cmd := program(t.Context(), t.TempDir(), environmentOf(db), "import", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitHeld(t, db)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	endHeld(t, db) // as the server does when it finds that nobody is there any more
	release()
	said := wantStatus(t, 0, environmentOf(db), "import", file)
	if want := fmt.Sprintf("imported 100 events; %d were in the log, which ends at position %d\n", firstChunk, firstChunk+100); said != want {
		t.Errorf("repeated, it says %q, want %q", said, want)
	}
	wantStatus(t, 0, environmentOf(db), "verify")
}

// The number of the lock is the test's own.
const hold = `
CREATE FUNCTION eventlog.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$;
CREATE TRIGGER hold BEFORE INSERT ON eventlog.events FOR EACH ROW WHEN (NEW.position = 20050) EXECUTE FUNCTION eventlog.hold();
SELECT pg_advisory_lock(77)`

// holdSecondChunk stops an import in the midst of its second statement, until it is released.
func holdSecondChunk(t *testing.T, db pgtest.Database) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err == nil {
		_, err = conn.Exec(t.Context(), hold)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
}

const isHeld = `
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

func awaitHeld(t *testing.T, db pgtest.Database) {
	t.Helper()
	pool := pgtest.Pool(t, db.AdminURL)
	held := false
	for deadline := time.Now().Add(time.Minute); !held; <-time.After(5 * time.Millisecond) {
		if err := pool.QueryRow(t.Context(), isHeld).Scan(&held); err != nil || time.Now().After(deadline) {
			t.Fatalf("the import never came to its second chunk (%v)", err)
		}
	}
}

const terminateHeld = `
SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

func endHeld(t *testing.T, db pgtest.Database) {
	t.Helper()
	var ended bool
	if err := pgtest.Pool(t, db.AdminURL).QueryRow(t.Context(), terminateHeld).Scan(&ended); err != nil || !ended {
		t.Fatalf("the import's connection has not ended: %v", err)
	}
}
