//go:build unix

package embeddedpg

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"syscall"
)

// A socket's path holds 104 bytes on macOS and 108 on Linux, with the file name of 17.
const longestSocketDir = 80

// socketDir is the data's own folder, which nobody else can enter, or one in /tmp where that path is
// too long. Its name follows from the path, so that a killed process leaves at most one behind.
func (f folder) socketDir() string {
	if len(f.data()) <= longestSocketDir {
		return f.data()
	}
	return fmt.Sprintf("/tmp/usersvc-pg-%d-%08x", os.Geteuid(), crc32.ChecksumIEEE([]byte(f.data())))
}

// makeSocketDir makes that folder, as private as the data's, and returns it.
func (f folder) makeSocketDir() (string, error) {
	dir := f.socketDir()
	if dir == f.data() {
		return dir, nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the socket's folder: %w", err)
	}
	if !f.private(dir) {
		return "", fmt.Errorf("the socket's folder %s is not private: remove it", dir)
	}
	if err := f.give(dir); err != nil {
		return "", fmt.Errorf("hand over the socket's folder: %w", err)
	}
	return dir, nil
}

// private says that a folder in a place where anyone may make one is ours or the server's, alone.
func (f folder) private(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	return owner == uint32(os.Geteuid()) || f.user != nil && owner == f.user.Uid
}
