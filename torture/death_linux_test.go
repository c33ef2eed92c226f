package torture

import (
	"os/exec"
	"syscall"
)

// endWithUs has the kernel end the process when we end, however that happens.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
