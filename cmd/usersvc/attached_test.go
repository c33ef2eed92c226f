package main

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A command that was there first has the PostgreSQL of the folder, and takes it along when it ends.
func TestServiceEndsWithTheServerOfACommand(t *testing.T) {
	t.Parallel()
	dir := shortTempDir(t)
	first := program(t.Context(), dir, nil, "import", "-")
	lines, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	awaitOwner(t, dir)
	p := serve(t, dir)
	p.create("ada@example.com")
	_ = lines.Close()
	_ = first.Wait() // it finds that the file is shorter than the log
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the service goes on without a database")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.output(), "the private PostgreSQL has ended") {
		t.Errorf("exit code %d: %s", code, p.output())
	}
	serve(t, dir).create("grace@example.com")
}

// awaitOwner waits until the server of the folder has the schema.
func awaitOwner(t *testing.T, dir string) {
	t.Helper()
	url := "postgres://postgres@/usersvc?host=" + dir + "/.data/postgres/data&port=5432"
	for deadline := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			_, err = conn.Exec(t.Context(), `SELECT FROM derived.subscriptions`)
			_ = conn.Close(t.Context())
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// A command that loses the PostgreSQL of the service says what has become of it.
func TestCommandSaysThatTheServerOfTheServiceHasEnded(t *testing.T) {
	t.Parallel()
	dir := shortTempDir(t)
	p := serve(t, dir)
	if out, err := program(t.Context(), dir, nil, "import", inFile(t, manyLines(5002))).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	export := program(t.Context(), dir, nil, "export")
	lines, err := export.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	export.Stderr = &said
	if err := export.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(lines, make([]byte, 1)); err != nil { // it has begun, and the pipe is full
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, lines)
	if err := export.Wait(); err == nil || !strings.Contains(said.String(), "the private PostgreSQL was ended with the process that ran it") {
		t.Errorf("%v: %s", err, said.String())
	}
}
