package embeddedpg

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// setDeathSignal has the kernel send the signal when we end, however that happens.
func setDeathSignal(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

func watchUs(int) (end func(), err error) { return func() {}, nil }

// serves says whether a live process is a server of the data. Its working folder tells, however the
// path to it was spelled; a zombie has none.
func serves(pid int, data string) bool {
	cwd, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/cwd")
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // if we may not look, be careful
	}
	info, err := os.Stat(data)
	return err != nil || os.SameFile(cwd, info)
}
