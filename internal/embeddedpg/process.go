//go:build unix

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// process is the server's first process, our direct child.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; to be read after done
}

func (f folder) launch(p programs, socketDir string, throwaway bool) (*process, error) {
	log, err := f.openLog()
	if err != nil {
		return nil, fmt.Errorf("open the log of the embedded PostgreSQL: %w", err)
	}
	defer log.Close()
	args := slices.Concat([]string{"-D", f.data()}, settings(socketDir, throwaway))
	s := &process{cmd: command(context.Background(), f.user, filepath.Join(p.dir, "postgres"), args...), done: make(chan struct{})}
	s.cmd.Dir = f.data()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr.Setsid = true // a terminal's Ctrl-C is for us alone
	setDeathSignal(s.cmd.SysProcAttr, syscall.SIGINT)
	started := make(chan error)
	go s.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the embedded PostgreSQL: %w", err)
	}
	return s, nil
}

// run forks from a thread that it keeps until the server has ended: the death signal is sent when the
// forking thread ends, not the process.
func (s *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := s.cmd.Start(); err != nil {
		started <- err
		return
	}
	endWatch, err := watchUs(s.cmd.Process.Pid)
	if err != nil {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	}
	started <- err
	s.err = s.cmd.Wait()
	endWatch()
	close(s.done)
}

// stop asks for a fast shutdown, then for one without a checkpoint, and then does not ask.
func (s *process) stop() error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, 15 * time.Second},
		{syscall.SIGQUIT, 5 * time.Second},
		{syscall.SIGKILL, 5 * time.Second},
	} {
		_ = s.cmd.Process.Signal(step.signal) // fails only if it has ended
		select {
		case <-s.done:
			if s.err != nil || step.signal != syscall.SIGINT {
				return fmt.Errorf("the embedded PostgreSQL ended out of order (%v, %v)", step.signal, s.cmd.ProcessState)
			}
			return nil
		case <-time.After(step.wait):
		}
	}
	return errors.New("the embedded PostgreSQL does not end")
}

const longestLog = 10 << 20

// openLog appends to the log; one that has grown long is kept as the old one first.
func (f folder) openLog() (*os.File, error) {
	if info, err := os.Stat(f.logFile()); err == nil && info.Size() > longestLog {
		if err := os.Rename(f.logFile(), f.logFile()+".old"); err != nil {
			return nil, err
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	log, err := os.OpenFile(f.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, foreign(err)
	}
	return log, f.give(log.Name())
}
