//go:build unix

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// obtain returns the server programs: those that USERSVC_PG_BIN names, else the machine's, else ones
// that it downloads or installs. Existing data needs its own major version; 0 stands for none.
func obtain(ctx context.Context, f folder, major int, log logger) (programs, error) {
	if dir := os.Getenv("USERSVC_PG_BIN"); dir != "" {
		p, err := probe(ctx, dir, f.user)
		switch {
		case err != nil:
			return programs{}, fmt.Errorf("USERSVC_PG_BIN: %w", err)
		case !p.fits(major):
			return programs{}, wrongMajor(f, major, p)
		}
		return p, nil
	}
	found, broken := search(ctx, f.user)
	if p, ok := newest(found, major); ok {
		return p, nil
	}
	p, missing := download(ctx, major, f.user, log)
	if missing == nil {
		return p, nil
	}
	switch {
	case len(found) > 0 && major != 0:
		return programs{}, wrongMajor(f, major, found[0])
	case len(found) == 0 && broken == nil: // what is there, though old or broken, is not ours to change
		var err error
		if p, err = install(ctx, major, f.user, log); err == nil {
			return p, nil
		}
		missing = errors.Join(missing, err)
	}
	return programs{}, fmt.Errorf("no PostgreSQL server, version %d or newer, was found:\n%w\n%s", oldestMajor, errors.Join(broken, missing), advice())
}

func wrongMajor(f folder, major int, p programs) error {
	return fmt.Errorf("the data in %s was made by PostgreSQL %d, and there is only %s: install PostgreSQL %d, "+
		"or move the data away to start with none", f.data(), major, p.version, major)
}

// advice is what a person can do where nothing was found.
func advice() string {
	return "Do one of these:\n  " + installCommand() +
		"\n  put npm (of any Node.js) on PATH, and the server is downloaded once" +
		"\n  export DATABASE_URL=postgres://… of a server that you have"
}

func installCommand() string {
	switch {
	case runtime.GOOS == "darwin":
		return "brew install postgresql@17"
	case onPath("apt-get"):
		return "sudo apt-get install postgresql"
	case onPath("dnf"):
		return "sudo dnf install postgresql-server"
	case onPath("zypper"):
		return "sudo zypper install postgresql-server"
	case onPath("apk"):
		return "sudo apk add postgresql"
	}
	return "install your system's package of the PostgreSQL server"
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// usable probes programs that were just put in place.
func usable(ctx context.Context, dir string, major int, user *syscall.Credential) (programs, error) {
	p, err := probe(ctx, dir, user)
	if err == nil && !p.fits(major) {
		err = fmt.Errorf("%s is %s", dir, p.version)
	}
	return p, err
}
