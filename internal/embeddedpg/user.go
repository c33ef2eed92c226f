//go:build unix

package embeddedpg

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// serverUser is whom the server runs as: nil for ourselves, unless we are root.
func serverUser(data string) *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	if info, err := os.Stat(data); err == nil {
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 {
			return &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			if uid != 0 {
				return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534} // nobody, where it has no name
}

// give hands a file over to the server's user.
func (f folder) give(path string) error {
	if f.user == nil {
		return nil
	}
	return os.Chown(path, int(f.user.Uid), int(f.user.Gid))
}

// command is a program run as the server's user, without the settings that our environment has for
// PostgreSQL's clients and for languages: they would change the server's port, messages and data.
func command(ctx context.Context, user *syscall.Credential, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	cmd.Dir = "/" // the user may not be able to enter ours
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "LC_") && !strings.HasPrefix(entry, "LANG") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	return cmd
}
