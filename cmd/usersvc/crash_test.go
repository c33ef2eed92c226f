package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// kill -9 in the midst of writes: what was acknowledged is there, the projection catches up, no server
// is left behind and the next start is not blocked.
func TestKilledServiceLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := shortTempDir(t)
	var acknowledged []string
	for round := range 3 {
		p := serve(t, dir)
		postmaster := postmasterOf(t, dir)
		acknowledged = append(acknowledged, p.writeUntilKilled(round)...)
		awaitEnd(t, postmaster)
	}
	p := serve(t, dir)
	for _, id := range acknowledged {
		p.must(200, "GET", "/v1/users/"+id, "")
	}
	head := p.must(200, "GET", "/v1/projections/user_profiles", "").body["head"].(float64)
	if int(head) < len(acknowledged) {
		t.Errorf("the log ends at %v, though %d commands were acknowledged", head, len(acknowledged))
	}
	list := p.caughtUp(fmt.Sprintf("/v1/users?count=exact&limit=1&min_position=%d", int(head)))
	if total := list.body["total"].(float64); total != head {
		t.Errorf("the projection shows %v users, the log has %v", total, head)
	}
	p.signal(syscall.SIGTERM)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM: %s", code, p.output())
	}
}

// writeUntilKilled creates users from several clients, kills the service after a while and returns the
// ids that it had acknowledged.
func (p *process) writeUntilKilled(round int) (acknowledged []string) {
	p.t.Helper()
	var mu sync.Mutex
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				a, err := p.ask("POST", "/v1/users", fmt.Sprintf(`{"email": "u%d.%d.%d@example.com", "displayName": "U"}`, round, client, i))
				if err != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, a.body["id"].(string))
				if len(acknowledged) == 100 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	p.kill()
	wg.Wait()
	return acknowledged
}

func postmasterOf(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, ".data", "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(pid, 0) == nil && !isZombie(pid); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the database server %d outlives the service", pid)
		}
	}
}

// isZombie says that a process has ended and nobody has asked how, as where PID 1 of a container does not.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// shortTempDir is a folder that the database's user can enter: those of t.TempDir are private.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "usersvc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A request under way when the end is asked for is carried out and answered.
func TestStoppedServiceFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	p := serve(t, shortTempDir(t))
	body, rest := io.Pipe()
	reading := make(chan struct{})
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(reading) }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, p.url+"/v1/users", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Expect", "100-continue")
	answered := make(chan int, 1)
	go func() {
		response, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(request)
		if err != nil {
			t.Error(err)
			close(answered)
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-reading // the handler waits for the body
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.awaitOutput("stopping")
	if _, err := io.WriteString(rest, `{"email": "ada@example.com", "displayName": "Ada"}`); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	if status := <-answered; status != http.StatusCreated {
		t.Errorf("the request under way was answered %d, want 201", status)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.output())
	}
}
