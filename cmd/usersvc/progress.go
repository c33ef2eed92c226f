package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	progressEvery = 200 * time.Millisecond
	// Where nobody watches, a line now and then is enough.
	progressLineEvery = 5 * time.Second
)

// progress shows how far a long command is: a bar on a terminal, else lines.
type progress struct {
	out   *os.File
	bar   *progressbar.ProgressBar // nil: lines
	began time.Time
	next  time.Time // of a line
}

func newProgress(out *os.File) *progress {
	now := time.Now()
	p := &progress{out: out, began: now, next: now.Add(progressLineEvery)}
	if term.IsTerminal(int(out.Fd())) {
		p.bar = newBar(out)
	}
	return p
}

func newBar(out io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(1, progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"),
		progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(progressEvery), progressbar.OptionClearOnFinish())
}

// show says that so many of all events are done. A total of 0 is not known.
func (p *progress) show(phase string, done, total int64) {
	if p.bar != nil {
		p.bar.Describe(phase)
		p.bar.ChangeMax64(max(total, done, 1))
		_ = p.bar.Set64(done) // of a bar nothing else depends on
		return
	}
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(progressLineEvery)
		rate := float64(done) / now.Sub(p.began).Seconds()
		fmt.Fprintf(p.out, "%s: %s events, %.0f a second\n", phase, outOf(done, total), rate)
	}
}

func outOf(done, total int64) string {
	if total == 0 {
		return fmt.Sprint(done)
	}
	return fmt.Sprintf("%d of %d", done, total)
}

// end leaves the line to what is said next.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
