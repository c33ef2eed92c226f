//go:build unix

package embeddedpg

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memoryLimits are where Linux says how much memory there is: of the machine, and of a container on it, by either version of
// control groups.
var memoryLimits = []string{"/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// memory is the least of the limits, in bytes, or 0 where nothing says.
func memory(files []string) (least int64) {
	for _, file := range files {
		text, _ := os.ReadFile(file)
		total, _, kilobytes := strings.Cut(strings.TrimPrefix(string(text), "MemTotal:"), " kB")
		n, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
		if kilobytes {
			n <<= 10
		}
		if err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// sharedBuffers is an eighth of the memory, half of what PostgreSQL's manual would have a server take that is alone, from
// its default of 128 MB to 1 GB. Of that a database takes what it has use for, so a small one stays small.
func sharedBuffers(memory int64) string {
	return fmt.Sprintf("%dMB", min(max(128, memory>>20/8), 1024))
}
