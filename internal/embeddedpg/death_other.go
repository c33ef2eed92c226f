//go:build unix && !linux

package embeddedpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// watchUs starts a shell that reads a pipe of which only we hold the other end. It ends when we do,
// however that happens, and the shell then asks the server for a fast shutdown. To be ended when the
// server has: its process id may soon be another program's.
func watchUs(server int) (end func(), err error) {
	watcher := exec.Command("/bin/sh", "-c", `cat >/dev/null; kill -INT "$1"`, "sh", strconv.Itoa(server))
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := watcher.StdinPipe()
	if err != nil {
		return func() {}, err
	}
	if err := watcher.Start(); err != nil {
		return func() {}, err
	}
	return func() {
		syscall.Kill(-watcher.Process.Pid, syscall.SIGKILL) // its session: the shell and cat
		watcher.Wait()
		pipe.Close()
	}, nil
}

// serves says whether a live process is a server of the data.
func serves(pid int, data string) bool {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.Contains(string(out), "-D "+data+" ") // if we may not look, be careful
}
