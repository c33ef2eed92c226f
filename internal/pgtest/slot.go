//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

// A slot is a folder with a throw-away server. As many are used as test programs run side by side.
const slots = 64

// takeSlot starts the server of the first slot that no other program has. The server is never stopped:
// it ends with this program, whose tests have no common end that a package could see.
func takeSlot(ctx context.Context) (*embeddedpg.Server, error) {
	home, err := slotHome()
	if err != nil {
		return nil, err
	}
	for n := range slots {
		dir := filepath.Join(home, strconv.Itoa(n))
		switch taken, err := lock(dir + ".lock"); {
		case err != nil:
			return nil, fmt.Errorf("take a throw-away server: %w", err)
		case taken:
			return startSlot(ctx, dir)
		}
	}
	return nil, fmt.Errorf("all %d throw-away servers in %s are in use", slots, home)
}

func startSlot(ctx context.Context, dir string) (*embeddedpg.Server, error) {
	options := embeddedpg.Options{Dir: dir, Database: "postgres", Throwaway: true}
	s, err := embeddedpg.Start(ctx, options)
	if err == nil {
		return s, nil
	}
	// A power cut ruins it, and an upgrade of PostgreSQL outdates it. It holds nothing: begin again.
	if removeErr := os.RemoveAll(dir); removeErr != nil {
		return nil, errors.Join(err, removeErr)
	}
	return embeddedpg.Start(ctx, options)
}

// lock takes a file until this process ends.
func lock(path string) (bool, error) {
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return true, nil
	}
	_ = syscall.Close(fd)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return false, &os.PathError{Op: "lock", Path: path, Err: err}
}

// slotHome is in memory where there is enough, since cloning makes hundreds of small files, else in
// the cache.
func slotHome() (string, error) {
	if dir := memory(); dir != "" {
		home := filepath.Join(dir, "usersvc-pgtest-"+strconv.Itoa(os.Geteuid()))
		_ = os.Mkdir(home, 0o755) // or it is there
		if ours(home) {
			return home, os.Chmod(home, 0o755) // root's server is not root's
		}
	}
	cache, err := embeddedpg.CacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "pgtest")
	return home, os.MkdirAll(home, 0o755)
}

// ours says that a folder in a place where anyone may make one is no trap of another user.
func ours(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && info.Sys().(*syscall.Stat_t).Uid == uint32(os.Geteuid())
}
