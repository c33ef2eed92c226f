package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// What stands before the tables, in the document.
const preface = `# Benchmarks

Written by ` + "`make bench`" + `, which measures the service against simpler designs on the machine that it runs on. What each contender
is, and what makes the comparison a fair one, stands in [bench/main.go](../bench/main.go) and beside the contenders. Ratios are
taken within each round, of contenders that took turns; rates of different runs or machines say nothing about each other.

![Requests a second of each contender](benchmarks.svg)

`

// publish prints the report, or writes the document and its chart, which have the same data.
func (r *report) publish(stdout io.Writer) error {
	if r.options.write == "" {
		return r.write(stdout)
	}
	var document, drawing bytes.Buffer
	document.WriteString(preface)
	if err := errors.Join(r.write(&document), r.draw(&drawing)); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(r.options.write, "benchmarks.md"), document.Bytes(), 0o644), // to be read by everybody
		os.WriteFile(filepath.Join(r.options.write, "benchmarks.svg"), drawing.Bytes(), 0o644), // likewise
	)
}
