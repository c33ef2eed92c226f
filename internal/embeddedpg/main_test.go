//go:build unix

package embeddedpg_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

const ownerVariable = "EMBEDDEDPG_TEST_OWNER"

// TestMain lets the test program be started again as another owner of a folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerVariable); dir != "" {
		fmt.Println(owner(dir))
		return
	}
	code := m.Run()
	_ = os.RemoveAll(filepath.Dir(initialised.path))
	os.Exit(code)
}

// owner starts the server, says so, and stops it when it is interrupted, as the service does.
func owner(dir string) error {
	interrupted, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	s, err := embeddedpg.Start(context.Background(), embeddedpg.Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println("started")
	<-interrupted.Done()
	conn, err := pgx.Connect(context.Background(), s.URL("postgres", "usersvc"))
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	fmt.Println("answers")
	return s.Stop()
}

type child struct {
	*exec.Cmd
	out *bufio.Scanner
}

// startOwner starts the server in another process, in a process group of its own.
func startOwner(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	c := &child{cmd, bufio.NewScanner(out)}
	c.expect(t, "started")
	return c
}

func (c *child) expect(t *testing.T, line string) {
	t.Helper()
	if !c.out.Scan() || c.out.Text() != line {
		t.Fatalf("the owner said %q, want %q (%v)", c.out.Text(), line, c.out.Err())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tempDir is a folder that root's server can enter: TempDir's is for its owner alone.
func tempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

// initialised is a folder whose data was made and never used.
var initialised struct {
	sync.Once
	path string
}

// folder is a folder with data of its own, copied: initdb takes a second and a half.
func folder(t *testing.T) string {
	t.Helper()
	initialised.Do(func() {
		parent, err := os.MkdirTemp("", "embeddedpg-test-")
		must(t, err)
		must(t, os.Chmod(parent, 0o755))
		initialised.path = filepath.Join(parent, "pg")
		must(t, start(t, embeddedpg.Options{Dir: initialised.path, Throwaway: true}).Stop())
	})
	dir := tempDir(t)
	must(t, exec.Command("cp", "-a", filepath.Join(initialised.path, "data"), dir).Run())
	return dir
}

func start(t *testing.T, o embeddedpg.Options) *embeddedpg.Server {
	t.Helper()
	o.Log = t.Logf
	s, err := embeddedpg.Start(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Stop()) })
	return s
}

func query(t *testing.T, s *embeddedpg.Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres", "usersvc"))
	must(t, err)
	defer conn.Close(t.Context())
	var answer string
	must(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func exec1(t *testing.T, s *embeddedpg.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres", "usersvc"))
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	must(t, err)
}

// serverPID is the process of the server that runs on the data, 0 if none.
func serverPID(t *testing.T, data string) int {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	pid, _ := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0]) // empty while it is being written
	return pid
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-end:
			t.Fatalf("30 s went by, and not yet: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
