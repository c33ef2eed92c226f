//go:build unix

package embeddedpg

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pg")
	archive := packed(t, map[string]string{
		"package/README.md":                   "not wanted",
		"package/native/bin/postgres":         "#!/bin/sh\n",
		"package/native/lib/libpq.so.5.18":    "library",
		"package/native/pg-symlinks.json":     `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`,
		"package/native/share/timezone/Japan": "zone",
	})
	if err := unpack(archive, dir); err != nil {
		t.Fatal(err)
	}
	if library, err := os.ReadFile(filepath.Join(dir, "lib/libpq.so.5")); string(library) != "library" {
		t.Errorf("through the link: %q, %v", library, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin/postgres")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "README.md")); !os.IsNotExist(err) {
		t.Errorf("the readme was unpacked too (%v)", err)
	}
}

func TestUnpackRefusesNamesThatLeadOut(t *testing.T) {
	for name, archive := range map[string][]byte{
		"file": packed(t, map[string]string{"package/native/../../out": "", "package/native/pg-symlinks.json": "[]"}),
		"link": packed(t, map[string]string{"package/native/pg-symlinks.json": `[{"source":"native/x","target":"native/../../out"}]`}),
	} {
		dir := filepath.Join(t.TempDir(), "a/b")
		if err := unpack(archive, dir); err == nil || !strings.Contains(err.Error(), "leads out of the package") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "../../out")); !os.IsNotExist(err) {
			t.Errorf("%s: something was written outside (%v)", name, err)
		}
	}
}

func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	out := tar.NewWriter(zipped)
	for name, content := range files {
		header := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if out.Close() != nil || zipped.Close() != nil {
		t.Fatal("cannot pack")
	}
	return archive.Bytes()
}
