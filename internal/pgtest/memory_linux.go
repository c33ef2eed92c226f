package pgtest

import "golang.org/x/sys/unix"

// memory is a folder in memory with a gigabyte to spare; that of a container is often smaller.
func memory() string {
	var fs unix.Statfs_t
	err := unix.Statfs("/dev/shm", &fs)
	if err != nil || fs.Type != unix.TMPFS_MAGIC || fs.Bavail*uint64(fs.Bsize) < 1<<30 {
		return ""
	}
	return "/dev/shm"
}
