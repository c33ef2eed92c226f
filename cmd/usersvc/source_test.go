package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Whoever waits for lines that do not come can be told to stop: for standard input, and for a named pipe that nobody, or
// somebody silent, has opened.
func TestSilentImportEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"standard input": syscall.SIGINT, "a pipe": syscall.SIGTERM, "a pipe without a writer": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.DB(t)
			cmd := program(t.Context(), t.TempDir(), environmentOf(db), "import")
			var said strings.Builder
			cmd.Stderr = &said
			silent := func() (io.WriteCloser, error) { return cmd.StdinPipe() }
			if name != "standard input" {
				pipe := namedPipe(t)
				cmd.Args = append(cmd.Args, pipe)
				silent = func() (io.WriteCloser, error) { return os.OpenFile(pipe, os.O_RDWR, 0) }
			}
			if name != "a pipe without a writer" {
				in, err := silent()
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitStaging(t, db)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }() // the state tells
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				_ = cmd.Process.Kill()
				<-ended
				t.Error("it goes on waiting")
			}
			if cmd.ProcessState.ExitCode() != 1 || !strings.HasPrefix(said.String(), "usersvc: import: ") {
				t.Errorf("%v: %s", cmd.ProcessState, said.String())
			}
		})
	}
}

const isStaging = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'copy%staged%' AND state = 'active')`

// awaitStaging waits until an import wants lines.
func awaitStaging(t *testing.T, db pgtest.Database) {
	t.Helper()
	pool := pgtest.Pool(t, db.AdminURL)
	staging := false
	for deadline := time.Now().Add(time.Minute); !staging; <-time.After(5 * time.Millisecond) {
		if err := pool.QueryRow(t.Context(), isStaging).Scan(&staging); err != nil || time.Now().After(deadline) {
			t.Fatalf("the import never wanted a line (%v)", err)
		}
	}
}
