package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// So many of each kind at once.
const slowClients = 500

// slowMemory is what a service may take while it has slow clients, in bytes: a fifth of it is what two thousand of them are
// owed, and the rest is not worth collecting sooner.
const slowMemory = 768 << 20

// attack is a way to be slow, and after how long at most whoever is so is sent away.
type attack struct {
	name  string
	by    func(net.Conn) error // returns when the service closes the connection
	until time.Duration
}

var attacks = []attack{
	{"slow headers", drip("GET /v1/users HTTP/1.1\r\nHost: x\r\nX-A: "), 10 * time.Second},
	{"slow bodies", drip("POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"), 15 * time.Second},
	// Half a minute after the first request whose answer they do not take; that may have waited behind those of all the others.
	{"slow readers of documents", stare("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"), 75 * time.Second},
	{"slow readers of lists", stare("GET /v1/users?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n"), 75 * time.Second},
}

// Attackers who send a header or a body a byte a second, or who ask for much and read nothing, are sent away on time, cost
// little, and disturb nobody.
func TestSlowClientsDisturbNobody(t *testing.T) {
	t.Parallel()
	p := serveBuilt(t)
	name := strings.Repeat("é", 100)
	for i := range 200 { // a page has a quarter of a megabyte
		p.must(201, "POST", "/v1/users", fmt.Sprintf(`{"email":"user%d@example.com","displayName":"%s%[2]s","firstName":"%[2]s","lastName":"%[2]s"}`, i, name))
	}
	over := make(chan struct{})
	watched := watch(t, p, over)
	var attackers sync.WaitGroup
	for _, a := range attacks {
		for range slowClients {
			attackers.Go(func() { a.carryOut(t, p) })
		}
	}
	attackers.Wait()
	close(over)
	seen := <-watched
	t.Log(seen)
	if !seen.well() {
		t.Error("others had to suffer")
	}
}

// serveBuilt serves with a program as users have it: under the race detector one takes ten times the memory.
func serveBuilt(t *testing.T) *process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "usersvc")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return serveWith(t, func(cmd *exec.Cmd) { cmd.Path = program }, "DATABASE_URL="+pgtest.DB(t).URL)
}

func (a attack) carryOut(t *testing.T, p *process) {
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	began := time.Now()
	_ = c.SetDeadline(began.Add(a.until))
	if err := a.by(c); os.IsTimeout(err) {
		t.Errorf("%s: not sent away within %v", a.name, a.until)
	}
}

// drip sends what makes a request look begun, then a byte a second until the service has had enough.
func drip(begin string) func(net.Conn) error {
	return func(c net.Conn) error {
		if _, err := io.WriteString(c, begin); err != nil {
			return err
		}
		answered := make(chan error, 1)
		go func() { _, err := bufio.NewReader(c).ReadString('x'); answered <- err }()
		for {
			select {
			case err := <-answered:
				return err
			case <-time.After(time.Second):
				if _, err := io.WriteString(c, "a"); err != nil {
					return err
				}
			}
		}
	}
}

// stare asks for more than a socket holds and reads nothing of it. That the connection is gone is seen by writing.
func stare(request string) func(net.Conn) error {
	return func(c net.Conn) error {
		if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			return err
		}
		_, err := io.WriteString(c, strings.Repeat(request, 10))
		for err == nil {
			<-time.After(500 * time.Millisecond)
			_, err = io.WriteString(c, "\r\n")
		}
		return err
	}
}

// sight is what others saw of the service meanwhile.
type sight struct {
	took    []time.Duration // by each probe, sorted
	refused int             // of them, as more lists are asked for at once than can be answered
	memory  int64           // at most, in bytes
}

func (s sight) String() string {
	return fmt.Sprintf("%d probes meanwhile: p50 %v, p99 %v, %d refused; memory up to %d MB", len(s.took), s.took[len(s.took)/2], s.p99(), s.refused, s.memory>>20)
}

func (s sight) p99() time.Duration { return s.took[len(s.took)*99/100] }

func (s sight) well() bool {
	return s.p99() < time.Second && s.refused <= len(s.took)/50 && s.memory < slowMemory
}

// watch asks for a list now and then, as one does who means no harm.
func watch(t *testing.T, p *process, over <-chan struct{}) <-chan sight {
	watched := make(chan sight, 1)
	go func() {
		var s sight
		defer func() { slices.Sort(s.took); watched <- s }()
		for {
			began := time.Now()
			switch got, err := p.ask("GET", "/v1/users?limit=1", ""); {
			case err == nil && got.status == http.StatusServiceUnavailable:
				s.refused++
			case err != nil || got.status != http.StatusOK:
				t.Errorf("a probe: %d, %v", got.status, err)
			}
			s.took, s.memory = append(s.took, time.Since(began)), max(s.memory, memoryOf(p.cmd.Process.Pid))
			select {
			case <-over:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return watched
}

// memoryOf is the resident set of a process in bytes, 0 where there is no /proc.
func memoryOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, _ := strconv.ParseInt(strings.Fields(after + " 0")[0], 10, 64)
	return kilobytes << 10
}

// available is what slowhttptest says every few seconds about a probe of its own, in colour.
var available = regexp.MustCompile(`service available:[^YN]*(YES|NO)`)

// slowhttptest is what others attack with. Its own probe must find the service available.
func TestSlowhttptest(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("slowhttptest")
	if err != nil {
		t.Log("not shown on this machine: slowhttptest is not installed")
		return
	}
	p := serveBuilt(t)
	p.create("ada@example.com")
	for name, mode := range map[string][]string{
		"slow headers": {"-H", "-i", "2", "-u", p.url + "/v1/users"},
		"slow bodies":  {"-B", "-i", "2", "-s", "60000", "-f", "application/json", "-u", p.url + "/v1/users"},
		"slow readers": {"-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "10", "-u", p.url + "/openapi.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			watched := watch(t, p, over)
			said, err := exec.CommandContext(t.Context(), tool, append([]string{"-c", strconv.Itoa(slowClients), "-r", "250", "-l", "12", "-p", "1"}, mode...)...).CombinedOutput()
			close(over)
			seen := <-watched
			t.Log(seen)
			verdicts := available.FindAllSubmatch(said, -1)
			away := slices.ContainsFunc(verdicts, func(v [][]byte) bool { return string(v[1]) == "NO" })
			if err != nil || len(verdicts) == 0 || away || !seen.well() {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}
