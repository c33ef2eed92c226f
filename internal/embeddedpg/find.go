//go:build unix

package embeddedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const oldestMajor = 14

// programs is a folder with postgres and initdb.
type programs struct {
	dir     string
	version string // "PostgreSQL 17.2"
	major   int
}

// fits says whether the programs can work with data of a major version, 0 being none.
func (p programs) fits(major int) bool {
	return p.major == major || major == 0 && p.major >= oldestMajor
}

// newest is the newest that fits.
func newest(found []programs, major int) (programs, bool) {
	found = slices.DeleteFunc(slices.Clone(found), func(p programs) bool { return !p.fits(major) })
	if len(found) == 0 {
		return programs{}, false
	}
	return slices.MaxFunc(found, func(a, b programs) int { return cmp.Compare(a.major, b.major) }), true
}

// packaged is where packages put the server programs, which is seldom on PATH.
var packaged = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // RHEL, Fedora
	"/usr/lib/postgresql*/bin",  // SUSE
	"/usr/libexec/postgresql*",  // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin", // built from source
}

// search probes every place where a server may be. The error tells of those that are there and do not
// run, in case nothing better is found.
func search(ctx context.Context, user *syscall.Credential) (found []programs, broken error) {
	for _, dir := range candidates(ctx) {
		p, err := probe(ctx, dir, user)
		switch {
		case err == nil:
			found = append(found, p)
		case !errors.Is(err, fs.ErrNotExist):
			broken = errors.Join(broken, err)
		}
	}
	return found, broken
}

func candidates(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // initdb may be linked elsewhere
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range packaged {
		match, _ := filepath.Glob(pattern) // the patterns are good ones
		dirs = append(dirs, match...)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// probe asks the server for its version as the user that will run it, and so finds out as well whether
// that user can reach it and its libraries.
func probe(ctx context.Context, dir string, user *syscall.Credential) (programs, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return programs{}, err
	}
	out, err := command(ctx, user, filepath.Join(dir, "postgres"), "-V").CombinedOutput()
	if err != nil {
		return programs{}, fmt.Errorf("run %s/postgres -V: %w %s", dir, err, strings.TrimSpace(string(out)))
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return programs{}, fmt.Errorf("%s/postgres -V says %q", dir, out)
	}
	major, err := strconv.Atoi(string(match[2]))
	return programs{dir, "PostgreSQL " + string(match[1]), major}, err
}
