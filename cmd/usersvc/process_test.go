package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests run the program as a process of its own: this test binary, told to be usersvc.
const beUsersvc = "USERSVC_TEST_BE_USERSVC"

func TestMain(m *testing.M) {
	if os.Getenv(beUsersvc) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running usersvc.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string // of the public listener
	mu   sync.Mutex
	said bytes.Buffer // everything it printed
	done chan struct{}
}

// program is usersvc with arguments and an environment of its own.
func program(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beUsersvc+"=yes", "USERSVC_ADDR=127.0.0.1:0", "USERSVC_ADMIN_ADDR=127.0.0.1:0",
		"USERSVC_ALLOW_UNSAFE_DATABASE=true") // that of tests does not wait for the disk
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// serve starts the service in a folder and returns when it is ready. It is killed with the test.
func serve(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: program(context.Background(), dir, env, "serve"), done: make(chan struct{})}
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	urls := make(chan string, 1)
	go p.listen(output, urls)
	p.t.Cleanup(func() { p.kill(); p.namedNobody() })
	select {
	case p.url = <-urls:
	case <-p.done:
		p.t.Fatalf("the service ended: %s", p.output())
	}
	p.awaitReady()
}

// listen keeps what the process prints, and finds its address in it.
func (p *process) listen(output io.Reader, urls chan<- string) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.said, lines.Text())
		p.mu.Unlock()
		if rest, ok := strings.CutPrefix(lines.Text(), "serving:"); ok {
			urls <- strings.Fields(rest)[0]
		}
	}
	_ = p.cmd.Wait()
	close(p.done)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// namedNobody finds no person in what the service printed. Whoever appears in tests has an address at example.com.
func (p *process) namedNobody() {
	p.t.Helper()
	for line := range strings.Lines(p.output()) {
		if strings.Contains(strings.ToLower(line), "@example") {
			p.t.Errorf("the service named somebody: %s", line)
		}
	}
}

func (p *process) awaitReady() {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		response, err := http.Get(p.url + "/readyz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not ready after a minute (%v): %s", err, p.output())
		}
	}
}

func (p *process) awaitOutput(text string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.output(), text); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("it never said %q: %s", text, p.output())
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}
