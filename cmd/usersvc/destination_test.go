package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// manyLines are so many users, in a file of another system.
func manyLines(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"streamType":"user","streamId":"01890000-0000-7000-8002-%012d","version":1,"type":"UserCreated","schemaVersion":1,"data":{"email":"u%d@example.com","name":"U %d"},%s,"recordedAt":"2024-02-29T10:%02d:%02d.%03dZ"}`+"\n",
			i, i, i, oldSystem, i/60_000, i/1000%60, i%1000)
	}
	return lines.String()
}

// An export that fails leaves the backup that is there, and what it has written itself to go on with.
func TestFailedExportKeepsTheBackup(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	wantStatus(t, 0, environmentOf(db), "import", inFile(t, manyLines(5002)))
	whole := wantStatus(t, 0, environmentOf(db), "export")
	backup := inFile(t, "a backup\n")
	part := backup + ".part"

	wantStatus(t, 1, environmentOf(db), "export", "--output", backup, "--after=6000")
	wantText(t, backup, "a backup\n")
	wantNoFile(t, part)

	tamper(t, db, `CREATE TABLE public.taken AS SELECT * FROM eventlog.events WHERE position = 5001; DELETE FROM eventlog.events WHERE position = 5001`)
	cmd := program(t.Context(), t.TempDir(), environmentOf(db), "export", "--output", backup)
	said, err := cmd.CombinedOutput()
	if advice := "the first 5000 lines are whole, in " + part + ": go on behind them with --after=5000 >> " + part; err == nil || !strings.Contains(string(said), advice) {
		t.Errorf("an interrupted export (%v) says %s", err, said)
	}
	wantText(t, backup, "a backup\n")

	tamper(t, db, `INSERT INTO eventlog.events SELECT * FROM public.taken`)
	first, err := os.ReadFile(part)
	if err != nil || string(first)+wantStatus(t, 0, environmentOf(db), "export", "--after=5000") != whole {
		t.Errorf("gone on as it was said, it is not the whole: %v", err)
	}
	wantStatus(t, 0, environmentOf(db), "export", "--output", backup)
	wantText(t, backup, whole)
	wantNoFile(t, part)
}

// What is no file is written to, and neither replaced nor given a neighbour.
func TestExportToPipesAndDevices(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	wantStatus(t, 0, environmentOf(db), "import", inFile(t, oldFile))
	whole := wantStatus(t, 0, environmentOf(db), "export")
	if said := wantStatus(t, 0, environmentOf(db), "export", "--output=/dev/stdout"); said != whole {
		t.Errorf("/dev/stdout is given %q", said)
	}
	wantStatus(t, 0, environmentOf(db), "export", "--output=/dev/null")
	wantNoFile(t, "/dev/null.part")
	pipe := namedPipe(t)
	cmd := program(t.Context(), t.TempDir(), environmentOf(db), "export", "--output", pipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wantText(t, pipe, whole)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	// A link stays one, and a redirected standard output is gone on with.
	file := inFile(t, "a backup\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, 0, environmentOf(db), "export", "--output", link)
	wantText(t, file, whole)
	redirected := exec.CommandContext(t.Context(), "sh", "-c", `echo before > out && "$0" export --output=/dev/stdout >> out`, os.Args[0])
	redirected.Dir, redirected.Env = filepath.Dir(link), program(t.Context(), "", environmentOf(db)).Env
	if err := redirected.Run(); err != nil {
		t.Error(err)
	}
	wantText(t, filepath.Join(redirected.Dir, "out"), "before\n"+whole)
}

func namedPipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, []byte(want)) {
		t.Errorf("%s has (%v) %.200s, want %.200s", path, err, text, want)
	}
}

func wantNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", path, err)
	}
}

// tamper changes the log as nobody can who goes through the door.
func tamper(t *testing.T, db pgtest.Database, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `ALTER TABLE eventlog.events DISABLE TRIGGER ALL; `+statement+`; ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_are_immutable`); err != nil {
		t.Fatal(err)
	}
}
