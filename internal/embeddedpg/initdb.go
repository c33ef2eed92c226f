//go:build unix

package embeddedpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// initialise makes the data beside its place and moves it there, so that whatever interrupts it
// leaves nothing that looks complete.
func (f folder) initialise(ctx context.Context, p programs, throwaway bool) error {
	unfinished := f.data() + ".new"
	args := []string{"-D", unfinished, "-U", superuser, "-E", "UTF8", "--auth=trust"}
	if throwaway {
		args = append(args, "--no-sync", "--wal-segsize=1") // small: it may be memory
	}
	// C.UTF-8 sorts by code point and knows letters beyond ASCII; not every system has it.
	out, err := f.initdb(ctx, p, unfinished, append(args, "--locale=C.UTF-8"))
	if err != nil && bytes.Contains(out, []byte("locale")) {
		out, err = f.initdb(ctx, p, unfinished, append(args, "--locale=C"))
	}
	if err != nil {
		return fmt.Errorf("make the data of the embedded PostgreSQL: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Remove(f.data()); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder
		return fmt.Errorf("make the data of the embedded PostgreSQL: %w", err)
	}
	if err := os.Rename(unfinished, f.data()); err != nil {
		return fmt.Errorf("make the data of the embedded PostgreSQL: %w", err)
	}
	return syncDir(f.path) // after a power cut the data must not be found under the old name
}

func (f folder) initdb(ctx context.Context, p programs, dir string, args []string) ([]byte, error) {
	if err := os.RemoveAll(dir); err != nil { // never served anybody
		return nil, err
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), f.give(dir)); err != nil {
		return nil, err
	}
	runtime.LockOSThread() // the death signal is the thread's
	defer runtime.UnlockOSThread()
	cmd := command(ctx, f.user, filepath.Join(p.dir, "initdb"), args...)
	setDeathSignal(cmd.SysProcAttr, syscall.SIGKILL)
	return cmd.CombinedOutput()
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
