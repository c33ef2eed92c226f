//go:build unix

package embeddedpg_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var nobody = &syscall.Credential{Uid: 65534, Gid: 65534}

// TestAsOrdinaryUser repeats all tests as a user who is not root, if root runs them.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // they all run so already
	}
	out, err := testsAsNobody(t, "-test.v", "-test.shuffle=on").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestPrivateFolder") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // nobody else's folder can be made
	}
	dir := tempDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o644))
	cmd := testsAsNobody(t)
	cmd.Env = append(cmd.Env, ownerVariable+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "belongs to another user") {
		t.Errorf("%v: %s", err, out)
	}
}

// testsAsNobody is this program, copied to where nobody can reach it.
func testsAsNobody(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.ReadFile(os.Args[0])
	must(t, err)
	dir := tempDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "tests"), program, 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "tmp"), 0o700))
	must(t, os.Chown(filepath.Join(dir, "tmp"), int(nobody.Uid), int(nobody.Gid)))
	cmd := exec.Command(filepath.Join(dir, "tests"), args...)
	cmd.Dir = filepath.Join(dir, "tmp")
	cmd.Env = append(os.Environ(), "TMPDIR="+cmd.Dir, "HOME="+cmd.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
	return cmd
}
