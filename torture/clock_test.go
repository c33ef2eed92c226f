package torture

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	clockMoves     = times{2, 6, 20}
	clockQuestions = times{50, 200, 500}
)

const farOff = 2 * time.Hour

// The clock of PostgreSQL goes two hours back and forth while clients write. Positions, versions and times keep their
// order, everybody finds his own write at its own time, what a moment shows is a beginning of the log, and a clock that
// was set back is reported.
func TestClock(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	c := pg.takeClock()
	pg.removeOrderOfTimes()
	s := serve(t, pg.url("usersvc"))
	l := &load{t: t, clients: 8, pause: pauseOfAClient, target: at(s), keyed: true}
	l.timed = func(r reply, err error, _ time.Duration) {
		if err == nil && r.ok() {
			s.findsItself(t, r)
		}
	}
	l.start()
	rng, offset, back := chance(-1), time.Duration(0), 0
	for n := range clockMoves.now() {
		next := []time.Duration{-farOff, 0, farOff}[rng.IntN(3)]
		if n%2 == 0 && next >= offset { // every other time at least it goes back
			next = offset - farOff
		}
		l.await(int(l.acknowledged.Load()) + 50)
		c.set(next)
		if next < offset {
			back++
			await(t, "a clock that was set back is reported", s.saysClockIsBehind)
		}
		offset = next
	}
	l.await(int(l.acknowledged.Load()) + 50)
	l.stop()
	c.set(farOff * time.Duration(clockMoves.now()))
	await(t, "the clock has caught up", func() bool { return !s.saysClockIsBehind() })
	l.checkProjection(pg)
	x, asked := pg.export(), 0
	for ; asked < clockQuestions.now(); asked++ {
		q := x.ask(rng)
		remembered{q, s.pages(t, q)}.check(t, x)
	}
	t.Logf("the clock was moved %d times, %d of them back; %d questions about the past", clockMoves.now(), back, asked)
}

// findsItself checks that what was just written is there at the time of the write.
func (s *service) findsItself(t *testing.T, written reply) {
	var u struct {
		ID, Status, UpdatedAt string
		Version               int
	}
	if err := json.Unmarshal(written.body, &u); err != nil || u.Status == "deleted" {
		return
	}
	r, err := s.send(request{method: "GET", path: "/v1/users/" + u.ID + "?as_of=" + url.QueryEscape(u.UpdatedAt)})
	if err != nil || r.code == "unavailable" || r.code == "projection_lagging" || r.code == "user_deleted" {
		return // by another event of the same batch
	}
	if !r.ok() || r.version < u.Version {
		t.Errorf("version %d of %s was recorded at %s, where it is: %d %s", u.Version, u.ID, u.UpdatedAt, r.status, r.body)
	}
}

func (s *service) saysClockIsBehind() bool {
	response, err := http.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var ready struct{ Warnings []string }
	return json.NewDecoder(response.Body).Decode(&ready) == nil && strings.Contains(fmt.Sprint(ready.Warnings), "clock was set back")
}

// clock is how far the server's clock is off, in a file that libfaketime reads whenever it is asked for the time.
type clock struct {
	t    *testing.T
	file string
}

func (c clock) set(offset time.Duration) {
	c.t.Helper()
	err := os.WriteFile(c.file+".new", fmt.Appendf(nil, "%+d", int(offset.Seconds())), 0o644) // another user reads it
	if err == nil {
		err = os.Rename(c.file+".new", c.file)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// takeClock starts the server again as it was, but with a clock of ours.
func (pg *postgres) takeClock() clock {
	t := pg.t
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		t.Skip("libfaketime is not installed; Debian and Ubuntu have it as the package libfaketime") //nolint:forbidigo // CI installs it
	}
	c := clock{t, filepath.Join(pg.dir, "clock")}
	c.set(0)
	command, err := os.ReadFile(filepath.Join(pg.server.DataDir, "postmaster.opts")) // quoted for a shell
	if err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(pg.server.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.server.Stop(); err != nil {
		t.Fatal(err)
	}
	pg.admin.Reset()
	cmd := exec.Command("/bin/sh", "-c", "exec "+string(command))
	cmd.Dir = pg.server.DataDir
	cmd.Env = []string{"LD_PRELOAD=" + found[0], "FAKETIME_TIMESTAMP_FILE=" + c.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "LC_ALL=C"}
	endWithUs(cmd)
	if os.Geteuid() == 0 {
		user := owner.Sys().(*syscall.Stat_t)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.Uid, Gid: user.Gid}
	}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", said.String())
		}
	})
	await(t, "the server takes connections", func() bool { return pg.admin.Ping(t.Context()) == nil })
	return c
}
