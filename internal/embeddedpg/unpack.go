//go:build unix

package embeddedpg

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack writes the package's folder native to dir. Names that lead out of it are refused.
func unpack(archive []byte, dir string) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return link(dir)
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		name, native := strings.CutPrefix(header.Name, "package/native/")
		if !native || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeFile(dir, name, header.FileInfo().Mode(), files); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func writeFile(dir, name string, mode os.FileMode, content io.Reader) error {
	if !filepath.IsLocal(name) {
		return errors.New("the name leads out of the package")
	}
	file := filepath.Join(dir, name)
	if err := makeDirs(filepath.Dir(file)); err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	// Readable for root's server, which is not root's; executable if it was.
	return errors.Join(err, out.Chmod(mode&0o111|0o644), out.Close())
}

// link makes the links that npm archives cannot hold; the package lists them in a file.
func link(dir string) error {
	list, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	var links []struct{ Source, Target string } // both below native/, in the same folder
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	for _, l := range links {
		name, native := strings.CutPrefix(l.Target, "native/")
		if !native || !filepath.IsLocal(name) {
			return fmt.Errorf("unpack: link %q leads out of the package", l.Target)
		}
		if err := os.Symlink(path.Base(l.Source), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
	}
	return nil
}
