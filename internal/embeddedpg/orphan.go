//go:build unix

package embeddedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is what a running server says of itself.
type pidFile struct {
	pid       int
	socketDir string // "" while it is starting
}

// readPIDFile reads postmaster.pid: the process id is its first line, the socket's folder its fifth.
func (f folder) readPIDFile() pidFile {
	text, _ := os.ReadFile(filepath.Join(f.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(lines[0]))
	if len(lines) < 5 {
		return pidFile{pid: pid}
	}
	return pidFile{pid, lines[4]}
}

// endOrphan ends a server that is left of a killed process: the caller has the lock, so it is nobody's.
func (f folder) endOrphan(log logger) error {
	asked := false
	for range 3000 { // half a minute: a fast shutdown takes a second or two
		left := f.readPIDFile()
		if left.pid <= 1 || syscall.Kill(left.pid, 0) != nil {
			return nil // PostgreSQL itself clears up after a dead process
		}
		if !serves(left.pid, f.data()) {
			return f.forgetPID()
		}
		if !asked {
			log("ending the PostgreSQL (process %d) that a killed process left behind", left.pid)
			if err := syscall.Kill(left.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("end the PostgreSQL left behind as process %d: %w", left.pid, err)
			}
			asked = true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the PostgreSQL that a killed process left behind in %s does not end", f.data())
}

// forgetPID removes the marks of a server whose process id has gone to another program since: PostgreSQL
// would take that one for a server and refuse to start. This is common where ids are small, in containers.
func (f folder) forgetPID() error {
	for _, mark := range []string{filepath.Join(f.data(), "postmaster.pid"), filepath.Join(f.socketDir(), ".s.PGSQL."+port+".lock")} {
		if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear up after a PostgreSQL that was killed: %w", err)
		}
	}
	return nil
}
