//go:build unix

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	superuser = "postgres"
	port      = "5432" // part of the socket's file name, nothing more

	// Where root's server can be when its user cannot enter the folder that was asked for.
	movedRoot = "/var/lib/usersvc"
)

type logger = func(format string, args ...any)

// folder is the home of a server: data/, postgres.log and lock.
type folder struct {
	path string
	user *syscall.Credential // whom the server runs as; nil: ourselves
}

func (f folder) data() string    { return filepath.Join(f.path, "data") }
func (f folder) logFile() string { return filepath.Join(f.path, "postgres.log") }

// openFolder makes the folder, here or, if the server's user cannot come here, under movedRoot.
func openFolder(dir string, log logger) (folder, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, fmt.Errorf("folder %s: %w", dir, err)
	}
	f := folder{path, serverUser(filepath.Join(path, "data"))}
	open, err := f.enterable()
	if err != nil {
		return folder{}, err
	}
	if !open {
		f.path = filepath.Join(movedRoot, path)
		f.user = serverUser(f.data())
		log("root's PostgreSQL runs as user %d, who cannot enter %s: the data is in %s", f.user.Uid, path, f.path)
	}
	if err := makeDirs(f.path); err != nil {
		return folder{}, fmt.Errorf("make the folder of the embedded PostgreSQL: %w", foreign(err))
	}
	return f, nil
}

// enterable asks the system, as the server's user, about the part of the path that exists.
func (f folder) enterable() (bool, error) {
	if f.user == nil {
		return true, nil
	}
	dir := f.path
	for _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	err := command(context.Background(), f.user, "/bin/sh", "-c", `cd -- "$1"`, "sh", dir).Run()
	if errors.Is(err, syscall.EPERM) {
		return false, fmt.Errorf("PostgreSQL refuses to run as root, and this process may not run it as user %d (%w): run as an ordinary user, or set DATABASE_URL", f.user.Uid, err)
	}
	return err == nil, nil
}

// makeDirs is MkdirAll for folders that others must be able to pass, whatever the umask.
func makeDirs(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDirs(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(path, 0o755)
}

// tryLock takes the folder for this process, until the file is closed or the process ends. It returns
// nil if another has it.
func (f folder) tryLock() (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(f.path, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the embedded PostgreSQL: %w", foreign(err))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteString(strconv.Itoa(os.Getpid())) // for messages only
	}
	return lock, nil
}

// taken says whether some process has the folder. Who asks shares the lock for a moment, which keeps nobody else from asking.
func (f folder) taken() bool {
	lock, err := os.Open(filepath.Join(f.path, "lock"))
	if err != nil {
		return true // as far as can be seen
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// owner is the process that holds the lock.
func (f folder) owner() string {
	pid, _ := os.ReadFile(filepath.Join(f.path, "lock"))
	return string(pid)
}

// dataMajor is the version of PostgreSQL that made the data, 0 if there is none yet.
func (f folder) dataMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if err == nil {
		major, _, _ := strings.Cut(strings.TrimSpace(string(text)), ".") // it was "9.6" once
		return strconv.Atoi(major)
	}
	entries, dirErr := os.ReadDir(f.data())
	switch {
	case errors.Is(dirErr, fs.ErrNotExist), dirErr == nil && len(entries) == 0:
		return 0, nil
	case errors.Is(err, fs.ErrNotExist) && dirErr == nil:
		return 0, fmt.Errorf("%s holds something that is no PostgreSQL data: move it away, or choose another folder", f.data())
	}
	return 0, fmt.Errorf("read the version of the data: %w", foreign(err))
}

// foreign adds what to do where the folder is another user's.
func foreign(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: it belongs to another user; run as that user, or set USERSVC_DATA_DIR to a folder of your own", err)
	}
	return err
}
