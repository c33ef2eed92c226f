//go:build unix

package embeddedpg_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

func TestServerKeepsRowsAndIsDurable(t *testing.T) {
	dir := tempDir(t)
	begun := time.Now()
	s := start(t, embeddedpg.Options{Dir: dir})
	t.Logf("first start: %v", time.Since(begun))
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
		"listen_addresses": "", "server_encoding": "UTF8", "timezone": "UTC",
	} {
		if got := query(t, s, "SHOW "+name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	exec1(t, s, "CREATE TABLE kept AS SELECT 'row' AS it")
	begun = time.Now()
	must(t, s.Stop())
	t.Logf("stop: %v", time.Since(begun))
	<-s.Done()
	must(t, s.Stop()) // again

	begun = time.Now()
	s = start(t, embeddedpg.Options{Dir: dir})
	t.Logf("second start: %v", time.Since(begun))
	if got := query(t, s, "SELECT it FROM kept"); got != "row" {
		t.Errorf("the table holds %q", got)
	}
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	must(t, err)
	if strings.Contains(string(log), "not properly shut down") {
		t.Errorf("Stop did not shut down in order:\n%s", log)
	}
}

func TestServerEndsWithItsKilledOwner(t *testing.T) {
	dir := folder(t)
	c := startOwner(t, dir)
	attached := start(t, embeddedpg.Options{Dir: dir})
	exec1(t, attached, "CREATE TABLE kept AS SELECT 'row' AS it")
	pid := serverPID(t, attached.DataDir)

	must(t, c.Process.Kill())
	c.Wait()
	killed := time.Now()
	eventually(t, "the server has ended", func() bool { return !alive(pid) })
	t.Logf("gone %v after the kill", time.Since(killed))
	if got := query(t, start(t, embeddedpg.Options{Dir: dir}), "SELECT it FROM kept"); got != "row" {
		t.Errorf("the table holds %q", got)
	}
}

func TestStartRightAfterTheOwnerWasKilled(t *testing.T) {
	dir := folder(t)
	c := startOwner(t, dir)
	attached := start(t, embeddedpg.Options{Dir: dir})
	exec1(t, attached, "CREATE TABLE kept AS SELECT 'row' AS it")
	old := serverPID(t, attached.DataDir)

	must(t, c.Process.Kill())
	c.Wait()
	killed := time.Now()
	s := start(t, embeddedpg.Options{Dir: dir})
	t.Logf("serves again %v after the kill", time.Since(killed))
	if alive(old) {
		t.Errorf("the old server, process %d, is still there", old)
	}
	if got := query(t, s, "SELECT it FROM kept"); s.Attached || got != "row" {
		t.Errorf("attached %v, the table holds %q", s.Attached, got)
	}
}

func TestCtrlCReachesTheOwnerOnly(t *testing.T) {
	dir := folder(t)
	c := startOwner(t, dir)
	pid := serverPID(t, filepath.Join(dir, "data"))
	session, err := unix.Getsid(pid)
	must(t, err)
	if session != pid {
		t.Errorf("the server is in session %d, want its own, %d", session, pid)
	}
	must(t, syscall.Kill(-c.Process.Pid, syscall.SIGINT)) // as the terminal does it: to the group
	c.expect(t, "answers")
	c.expect(t, "<nil>")
	eventually(t, "the server has ended", func() bool { return !alive(pid) })
}

// An owner that could not take its server along: no signal, no watcher.
func TestOrphanIsEnded(t *testing.T) {
	dir := folder(t)
	s := start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	exec1(t, s, "CREATE TABLE kept AS SELECT 'row' AS it")
	cmdline, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(serverPID(t, s.DataDir))).Output()
	must(t, err)
	must(t, s.Stop())

	orphan := asOwnerOf(t, s.DataDir, strings.Fields(string(cmdline))[0], "-D", s.DataDir, "-c", "listen_addresses=", "-k", s.DataDir)
	must(t, orphan.Start())
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	eventually(t, "the orphan runs", func() bool { return serverPID(t, s.DataDir) == orphan.Process.Pid })

	if got := query(t, start(t, embeddedpg.Options{Dir: dir, Throwaway: true}), "SELECT it FROM kept"); got != "row" {
		t.Errorf("the table holds %q", got)
	}
	must(t, <-ended)
}

// After a crash the server's process id may be another program's. PostgreSQL by itself would not start.
func TestProcessIDOfAnotherProgram(t *testing.T) {
	dir := folder(t)
	s := start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	left, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	must(t, err)
	must(t, s.Stop())

	other := asOwnerOf(t, s.DataDir, "/bin/sleep", "60")
	must(t, other.Start())
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	id := strconv.Itoa(other.Process.Pid)
	_, rest, _ := strings.Cut(string(left), "\n")
	must(t, os.WriteFile(filepath.Join(s.DataDir, "postmaster.pid"), []byte(id+"\n"+rest), 0o644))
	must(t, os.WriteFile(filepath.Join(s.DataDir, ".s.PGSQL.5432.lock"), []byte(id+"\n"), 0o644))

	start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	if !alive(other.Process.Pid) {
		t.Error("the other program was ended")
	}
}

// asOwnerOf is a command run as the user whom a file belongs to, as PostgreSQL is.
func asOwnerOf(t *testing.T, file, program string, args ...string) *exec.Cmd {
	t.Helper()
	info, err := os.Stat(file)
	must(t, err)
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		owner := info.Sys().(*syscall.Stat_t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	return cmd
}

// alive says that a process runs; a dead one that nobody waited for does not.
func alive(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return len(out) > 0 && out[0] != 'Z'
}
