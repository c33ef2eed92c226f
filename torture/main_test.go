package torture

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	os.Exit(run(m))
}

var folder string // for what all checks share

func run(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "torture"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil { // root's server is not root's
		panic(err)
	}
	return m.Run()
}

const servicePackage = "github.com/usersvc/usersvc/cmd/usersvc"

// binary is the service, built once for all checks.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "usersvc")
	args := slices.Concat([]string{"build", "-buildvcs=false"}, buildFlags(), []string{"-o", path, servicePackage})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the service: %w\n%s", err, out)
	}
	return path, nil
})

// buildFlags builds the service as this program was: with its build tags, and with the race detector where
// that has the packages compiled already.
func buildFlags() []string {
	var flags []string
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		switch s.Key {
		case "-race":
			flags = append(flags, "-race")
		case "-tags":
			flags = append(flags, "-tags="+s.Value)
		}
	}
	return flags
}
