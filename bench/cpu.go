package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The kernel tells CPU time in hundredths of a second, on every Linux.
const kernelTick = 10 * time.Millisecond

// cpuTime is what a contender and the database have computed so far. Where there is no /proc it stays
// zero, and the report says nothing of it.
func (b *bench) cpuTime(p *process) time.Duration {
	return cpuOf(p.cmd.Process.Pid).own + b.serverTime()
}

// serverTime counts again when a process ended meanwhile: it may be in neither of the two sums.
func (b *bench) serverTime() time.Duration {
	server := b.pg.processID()
	for {
		ended, sum := cpuOf(server).ended, childrenTime(server)
		if now := cpuOf(server); now.ended == ended {
			return now.own + ended + sum
		}
	}
}

// childrenTime is that of the processes that have not ended, or not been seen to.
func childrenTime(parent int) (sum time.Duration) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, stat := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if c := cpuOf(pid); c.parent == parent {
			sum += c.own
		}
	}
	return sum
}

type cpu struct {
	parent int
	own    time.Duration
	ended  time.Duration // of children that have ended
}

// cpuOf reads proc(5). A process that has ended meanwhile has used nothing.
func cpuOf(pid int) (c cpu) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return c
	}
	_, afterName, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(afterName) // the first is number 3 of the manual page
	if len(fields) < 15 {
		return c
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.Atoi(fields[i])
		return time.Duration(n) * kernelTick
	}
	c.parent, _ = strconv.Atoi(fields[1])
	c.own, c.ended = ticks(11)+ticks(12), ticks(13)+ticks(14)
	return c
}

// processID is on the first line of a file that the server keeps.
func (p *postgres) processID() int {
	text, _ := os.ReadFile(filepath.Join(p.server.DataDir, "postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}
