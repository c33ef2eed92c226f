//go:build unix

package embeddedpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// install has the system's package manager install the server, if we are root, as in a container.
func install(ctx context.Context, major int, user *syscall.Credential, log logger) (programs, error) {
	if os.Geteuid() != 0 {
		return programs{}, errors.New("not root, so no system package was installed")
	}
	var installer func(context.Context, string) error
	name := "postgresql"
	switch {
	case onPath("apt-get"):
		installer = aptInstall
		if major != 0 {
			name += "-" + strconv.Itoa(major)
		}
	case onPath("apk"):
		installer = apkInstall
		if major != 0 {
			name += strconv.Itoa(major)
		}
	default:
		return programs{}, errors.New("neither apt-get nor apk is there to install a system package")
	}
	log("found no PostgreSQL; installing the system package %s (once; it may take a minute)", name)
	if err := installer(ctx, name); err != nil {
		return programs{}, fmt.Errorf("install the system package %s: %w", name, err)
	}
	found, broken := search(ctx, user)
	if p, ok := newest(found, major); ok {
		return p, nil
	}
	return programs{}, errors.Join(fmt.Errorf("the system package %s has no server that fits", name), broken)
}

func apkInstall(ctx context.Context, name string) error {
	return run(ctx, "apk", "add", "--no-cache", name)
}

// Debian's packages make a cluster and run it as a system service, unless a file here says otherwise.
const (
	clusterConf   = "/etc/postgresql-common/createcluster.d/usersvc.conf"
	noMainCluster = "# Left by an installation that was interrupted; may be removed.\ncreate_main_cluster = false\n"
)

func aptInstall(ctx context.Context, name string) error {
	if err := makeDirs(filepath.Dir(clusterConf)); err != nil {
		return err
	}
	if err := os.WriteFile(clusterConf, []byte(noMainCluster), 0o644); err != nil {
		return err
	}
	defer os.Remove(clusterConf)
	if err := run(ctx, "apt-get", "update"); err != nil {
		return err
	}
	return run(ctx, "apt-get", "install", "-y", "--no-install-recommends", "--no-upgrade", name)
}

func run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}
