//go:build unix

package embeddedpg_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

func TestSecondProcessAttaches(t *testing.T) {
	dir := folder(t)
	c := startOwner(t, dir)
	s := start(t, embeddedpg.Options{Dir: dir})
	if !s.Attached || !strings.HasPrefix(s.Version, "PostgreSQL ") {
		t.Errorf("attached %v to %q", s.Attached, s.Version)
	}
	exec1(t, s, "CREATE TABLE shared AS SELECT 'row' AS it")
	must(t, s.Stop()) // not ours to stop
	if got := query(t, start(t, embeddedpg.Options{Dir: dir}), "SELECT it FROM shared"); got != "row" {
		t.Errorf("the table holds %q", got)
	}
	must(t, c.Process.Signal(os.Interrupt))
	c.expect(t, "answers") // and so its owner's server still runs
	c.expect(t, "<nil>")
}

// However the owner ends: those who are attached hear of it, and not before.
func TestAttachedHearThatTheOwnerIsGone(t *testing.T) {
	for name, signal := range map[string]os.Signal{"in order": os.Interrupt, "killed": os.Kill} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			c := startOwner(t, dir)
			s, forgetful := start(t, embeddedpg.Options{Dir: dir}), start(t, embeddedpg.Options{Dir: dir})
			unheard := forgetful.Done()
			must(t, forgetful.Stop())
			select {
			case <-s.Done():
				t.Error("Done is closed though the owner is there")
			case <-time.After(time.Second):
			}
			must(t, c.Process.Signal(signal))
			select {
			case <-s.Done():
			case <-time.After(30 * time.Second):
				t.Fatal("nothing was heard")
			}
			select {
			case <-unheard:
				t.Error("a stopped one still listens")
			default:
			}
			if again := start(t, embeddedpg.Options{Dir: dir}); again.Attached {
				t.Error("attached to nobody's server")
			}
		})
	}
}

func TestOneOfManyStartsOwnsTheServer(t *testing.T) {
	dir := folder(t)
	var servers [4]*embeddedpg.Server
	var all sync.WaitGroup
	for i := range servers {
		all.Go(func() {
			s, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: dir, Throwaway: true})
			if err != nil {
				t.Error(err)
				return
			}
			servers[i] = s
		})
	}
	all.Wait()
	owners := 0
	for _, s := range servers {
		if s != nil && !s.Attached {
			owners++
			defer s.Stop()
		}
	}
	if owners != 1 {
		t.Errorf("%d of %d own the server, want one", owners, len(servers))
	}
}

// An owner may fail while others wait for its server: one of them takes its place.
func TestWaiterTakesOver(t *testing.T) {
	dir := folder(t)
	lock, err := os.Create(filepath.Join(dir, "lock"))
	must(t, err)
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	_, err = lock.WriteString("4711")
	must(t, err)

	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = embeddedpg.Start(impatient, embeddedpg.Options{Dir: dir, Throwaway: true})
	if err == nil || !strings.Contains(err.Error(), "process 4711") {
		t.Errorf("waiting gave %v", err)
	}

	type result struct {
		*embeddedpg.Server
		error
	}
	waiting := make(chan result)
	go func() {
		s, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: dir, Throwaway: true})
		waiting <- result{s, err}
	}()
	must(t, lock.Close())
	r := <-waiting
	must(t, r.error)
	defer r.Stop()
	if r.Attached {
		t.Error("attached to nobody's server")
	}
}
