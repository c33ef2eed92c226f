package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is a contender that runs.
type process struct {
	cmd   *exec.Cmd
	addr  string // of its HTTP
	ended chan struct{}
	err   error // to be read after ended
}

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
)

// announcement is the line by which the service, and each contender, says where it serves.
var announcement = regexp.MustCompile(`^serving: +http://(\S+)`)

// start runs a program until it says where it serves. It ends with stop, or with ctx.
func start(ctx context.Context, program string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	out, in := io.Pipe()
	p.cmd.Stdout = in
	if err := p.launch(in); err != nil {
		return nil, err
	}
	serving := make(chan string, 1)
	go follow(out, serving)
	select {
	case p.addr = <-serving:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s ended before it served: %w", filepath.Base(program), p.err)
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("%s does not serve after %v", filepath.Base(program), startTimeout), p.stop())
	}
}

// launch forks from a thread that lives as long as the process: its death signal is sent when that
// thread ends.
func (p *process) launch(out *io.PipeWriter) error {
	endWithUs(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			out.Close()
			close(p.ended)
		}
	}()
	return <-started
}

// follow reads what a program prints to its end: the program must not wait for us. A warning of the
// service's is worth being seen; what it says of each request, and how it greets, is not.
func follow(out io.Reader, serving chan<- string) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := announcement.FindStringSubmatch(lines.Text()); found != nil {
			serving <- found[1]
			continue
		}
		if strings.HasPrefix(lines.Text(), "{") && !strings.Contains(lines.Text(), `"level":"info"`) {
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}
}

// stop may be called of nothing.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.ended:
		if p.err != nil && p.cmd.ProcessState.ExitCode() > 0 {
			return fmt.Errorf("%s: %w", filepath.Base(p.cmd.Path), p.err)
		}
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s does not stop", filepath.Base(p.cmd.Path)), p.cmd.Process.Kill())
	}
}

const servicePackage = "github.com/usersvc/usersvc/cmd/usersvc"

// buildService builds the service, as users do or with more flags, and says where it is.
func (b *bench) buildService(ctx context.Context, flags ...string) (binary string, err error) {
	binary = filepath.Join(b.dir, "usersvc"+strings.Join(flags, ""))
	build := exec.CommandContext(ctx, "go", slices.Concat([]string{"build"}, buildFlags(), flags, []string{"-o", binary, servicePackage})...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the service: %w\n%s", err, out)
	}
	return binary, nil
}

// startService runs the service on free ports, with its defaults for everything that could make a difference.
func (b *bench) startService(ctx context.Context) (*process, error) {
	binary, err := b.buildService(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.pg.makeDatabase(ctx, serviceName); err != nil {
		return nil, err
	}
	return b.serve(ctx, binary, serviceName)
}

func (b *bench) serve(ctx context.Context, binary, database string, env ...string) (*process, error) {
	return start(ctx, binary, append(env,
		"DATABASE_URL="+b.pg.url(database),
		"USERSVC_ADDR=127.0.0.1:0",
		"USERSVC_ADMIN_ADDR=127.0.0.1:0",
		"USERSVC_LOG_LEVEL=warn",
		fmt.Sprintf("USERSVC_ALLOW_UNSAFE_DATABASE=%v", b.throwaway),
	), "serve")
}

// buildFlags builds the service as this program was, so that a test under the race detector finds its
// packages compiled.
func buildFlags() []string {
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
}

// startContender runs this program again, as a contender.
func (b *bench) startContender(ctx context.Context, name string, c contender) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	database := serviceName
	if c.schema != "" {
		database = name
		if err := b.pg.makeDatabase(ctx, name, c.schema); err != nil {
			return nil, err
		}
	}
	return start(ctx, self, []string{"DATABASE_URL=" + b.pg.url(database)}, contendArg, name)
}
