package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// destination is where an export goes: one that has failed leaves what was there before.
type destination interface {
	io.Writer
	finish() error
	// abandon ends it before its end, and names the file where the lines are that were written, if that is not the one wished for.
	abandon() string
}

// openDestination is standard output without a name. What is no regular file can be written but not replaced.
func openDestination(name string, stdout io.Writer) (destination, error) {
	info, err := os.Stat(name)
	switch {
	case name == "":
		return direct{stdout}, nil
	case errors.Is(err, fs.ErrNotExist):
		return &replacement{name: name, mode: 0o666}, nil
	case err != nil:
		return nil, err
	case isStdout(info):
		return direct{stdout}, nil
	case !info.Mode().IsRegular():
		file, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // the operator's choice
		return direct{file}, err
	}
	name, err = filepath.EvalSymlinks(name) // or else the link would be replaced
	return &replacement{name: name, mode: info.Mode().Perm()}, err
}

// isStdout recognises /dev/stdout, though it may lead to a regular file.
func isStdout(info fs.FileInfo) bool {
	stdout, err := os.Stdout.Stat()
	return err == nil && os.SameFile(info, stdout)
}

type direct struct{ io.Writer }

func (d direct) finish() error {
	if file, ok := d.Writer.(*os.File); ok && file != os.Stdout {
		return file.Close()
	}
	return nil
}

func (d direct) abandon() string {
	_ = d.finish() // the error before is the one that counts
	return ""
}

// replacement is written beside a file and takes its name at the end.
type replacement struct {
	name string
	mode fs.FileMode
	part *os.File // nil: nothing was written
	size int64    // of what was written
}

// Write takes whole lines, or nothing: they can be gone on behind.
func (r *replacement) Write(lines []byte) (n int, err error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	if n, err = r.part.Write(lines); err != nil {
		return 0, errors.Join(err, r.part.Truncate(r.size))
	}
	r.size += int64(n)
	return n, nil
}

// open makes the part when there is something to write: a wish that cannot be fulfilled spoils no part of an earlier export.
func (r *replacement) open() (err error) {
	if r.part == nil {
		r.part, err = os.OpenFile(r.name+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, r.mode)
	}
	return err
}

func (r *replacement) finish() error {
	if err := r.open(); err != nil { // of an empty log
		return err
	}
	if err := errors.Join(r.part.Sync(), r.part.Close()); err != nil {
		return err
	}
	return os.Rename(r.part.Name(), r.name)
}

func (r *replacement) abandon() string {
	if r.part == nil {
		return ""
	}
	_ = r.part.Close() // the error before is the one that counts
	if r.size == 0 {
		_ = os.Remove(r.part.Name())
	}
	return r.part.Name()
}
