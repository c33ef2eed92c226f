package main

import (
	"context"
	"io"
	"os"
)

// openSource opens what an import reads: a file, or standard input without a name. Of a regular file the size is known, and it is
// never silent.
func openSource(ctx context.Context, name string) (io.ReadCloser, error) {
	look, open := os.Stdin.Stat, func() (*os.File, error) { return os.Stdin, nil }
	if name != "" && name != "-" {
		look = func() (os.FileInfo, error) { return os.Stat(name) }
		open = func() (*os.File, error) { return os.Open(name) } //nolint:gosec // the operator's choice
	}
	if info, err := look(); err == nil && !info.Mode().IsRegular() {
		return interruptible(ctx, open), nil
	}
	return open()
}

// interruptible reads what may be silent for ever, and ends with ctx: nothing else ends the opening of a pipe, or a
// read of it.
func interruptible(ctx context.Context, open func() (*os.File, error)) io.ReadCloser {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	go func() {
		file, err := open()
		if err == nil {
			_, err = io.Copy(in, file)
			_ = file.Close() // it was only read
		}
		_ = in.CloseWithError(err)
	}()
	return out
}
