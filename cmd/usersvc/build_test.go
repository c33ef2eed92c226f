package main_test

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two people who build the same source have the same binary, wherever their folders are.
func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	var sums [2][32]byte
	for i := range sums {
		folder := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i))
		if err := os.CopyFS(folder, sources(t)); err != nil {
			t.Fatal(err)
		}
		if out, err := makeIn(t, folder, "build"); err != nil {
			t.Fatalf("make build: %v\n%s", err, out)
		}
		binary, err := os.ReadFile(filepath.Join(folder, "bin", "usersvc"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(binary)
		if size := len(binary); size > 40<<20 {
			t.Errorf("the binary has %d bytes", size)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("%x and %x", sums[0], sums[1])
	}
}

// sources are the files of the module that a build needs.
func sources(t *testing.T) fs.FS {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "Makefile", "openapi.go", "openapi.yaml", "cmd", "internal", "migrations"} {
		from := filepath.Join(root, name)
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(filepath.Join(folder, name), os.DirFS(from))
		} else {
			var content []byte
			if content, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(filepath.Join(folder, name), content, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return os.DirFS(folder)
}
