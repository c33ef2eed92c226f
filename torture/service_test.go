package torture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// service is a running usersvc.
type service struct {
	t          *testing.T
	cmd        *exec.Cmd
	url, admin string
	began      time.Time
	ended      chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

// announcement is the line by which the service says where it serves.
var announcement = regexp.MustCompile(`^serving: +(http://\S+) \(metrics and pprof: (http://\S+)\)`)

// serve starts the service on a database and returns when it is ready. It is killed with the check.
func serve(t *testing.T, databaseURL string, env ...string) *service {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, cmd: exec.Command(program, "serve"), began: time.Now(), ended: make(chan struct{})}
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "USERSVC_ADDR=127.0.0.1:0", "USERSVC_ADMIN_ADDR=127.0.0.1:0",
		"USERSVC_LOG_LEVEL=warn", "USERSVC_LOG_FORMAT=json")
	s.cmd.Env = append(s.cmd.Env, env...)
	out, in := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = in, in
	s.launch(in)
	t.Cleanup(func() {
		s.end()
		if strings.Contains(strings.ToLower(s.output()), "@example") {
			t.Error("the service named somebody in its log")
		}
	})
	serving := make(chan []string, 1)
	go s.listen(out, serving)
	select {
	case found := <-serving:
		s.url, s.admin = found[1], found[2]
	case <-s.ended:
		t.Fatalf("the service ended before it served: %s", s.output())
	}
	await(t, "the service is ready", s.ready)
	return s
}

// launch forks from a thread that lives as long as the process: its death signal is sent when that ends.
func (s *service) launch(in io.Closer) {
	s.t.Helper()
	endWithUs(s.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
			in.Close()
			close(s.ended)
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
}

// listen keeps what the process prints, and finds its addresses in it.
func (s *service) listen(out io.Reader, serving chan<- []string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if found := announcement.FindStringSubmatch(lines.Text()); found != nil {
			serving <- found
		}
		s.mu.Lock()
		fmt.Fprintln(&s.said, lines.Text())
		s.mu.Unlock()
	}
}

// output is the end of what it printed.
func (s *service) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.said.Bytes()
	return string(said[max(0, len(said)-8000):])
}

func (s *service) ready() bool {
	response, err := http.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (s *service) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Errorf("send %v to the service: %v", sig, err)
	}
}

// kill is kill -9, and returns when the process is gone.
func (s *service) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// end clears up, and shows what the service said if the check has failed.
func (s *service) end() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
	if strings.Contains(s.output(), "DATA RACE") {
		s.t.Error("the race detector has found something in the service")
	}
	if s.t.Failed() {
		s.t.Logf("the service at %s said last:\n%s", s.url, s.output())
	}
}
