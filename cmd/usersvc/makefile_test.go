package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// makeIn runs make in a folder as a shell would, not as a part of the make that may run this test.
func makeIn(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") || strings.HasPrefix(variable, "MFLAGS")
	})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestMakeAloneListsTheTargets(t *testing.T) {
	t.Parallel()
	out, err := makeIn(t, root)
	if err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	for _, target := range []string{"run", "demo", "build", "test", "check", "lint", "fmt", "screenshots", "bench", "bench-transfer", "bench-rebuild", "bench-past", "bench-observed", "bench-scale", "bench-soak", "torture", "torture-full", "torture-teeth", "vulnerabilities", "sbom", "clean"} {
		if !regexp.MustCompile(`(?m)^make ` + target + ` +\w`).MatchString(out) {
			t.Errorf("make does not list %s:\n%s", target, out)
		}
	}
}

func TestCheckLintsThenTests(t *testing.T) {
	t.Parallel()
	out, err := makeIn(t, root, "--dry-run", "check")
	if err != nil {
		t.Fatalf("make --dry-run check: %v\n%s", err, out)
	}
	lint := strings.Index(out, "golangci-lint run")
	test := strings.Index(out, "go test -race -shuffle=on -timeout=10m ./...")
	if lint < 0 || test < lint {
		t.Errorf("make check runs:\n%s", out)
	}
}

// Go itself calls a run without tests, or with a test file and no test in it, a success.
func TestMakeTestFailsUnlessATestRan(t *testing.T) {
	t.Parallel()
	makefile, err := filepath.Abs(root + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		code   string
		passes bool
		says   string
	}{
		"no test":        {"package p", false, "no test ran"},
		"a passing test": {"package p\nimport \"testing\"\nfunc TestP(*testing.T) {}", true, "ok "},
		"a failing test": {"package p\nimport \"testing\"\nfunc TestP(t *testing.T) { t.Fail() }", false, "FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "go.mod", "module p\n\ngo 1.26.0\n")
			write(t, dir, "p_test.go", c.code)
			out, err := makeIn(t, dir, "-f", makefile, "test")
			if (err == nil) != c.passes || !strings.Contains(out, c.says) {
				t.Errorf("make test says %v:\n%s", err, out)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
