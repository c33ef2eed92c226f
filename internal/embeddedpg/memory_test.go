//go:build unix

package embeddedpg

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBuffersFitTheMachineOrTheContainer(t *testing.T) {
	t.Parallel()
	const machine = "MemTotal:       16384000 kB\nMemFree:          281640 kB\n"
	for _, c := range []struct{ machine, container, want string }{
		{machine, "", "1024MB"},
		{machine, "max\n", "1024MB"},
		{machine, "4294967296\n", "512MB"},
		{machine, "268435456\n", "128MB"},
		{"MemTotal:        4096000 kB\n", "9223372036854771712\n", "500MB"}, // the first control groups' way to say none
		{"", "", "128MB"},
	} {
		dir := t.TempDir()
		files := []string{filepath.Join(dir, "machine"), filepath.Join(dir, "container"), filepath.Join(dir, "none")}
		for i, text := range []string{c.machine, c.container} {
			if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := sharedBuffers(memory(files)); got != c.want {
			t.Errorf("%q and %q: %s, want %s", c.machine, c.container, got, c.want)
		}
	}
}
