package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The contenders are this program again, so a test's program must be able to be one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == contendArg {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// withDatabase has a PostgreSQL until the test ends.
func withDatabase(ctx context.Context, t *testing.T, o options) *bench {
	t.Helper()
	o.dir = os.TempDir()
	b := &bench{options: o, report: &report{}}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	if err := b.openDatabase(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// Everything is measured once, for a moment, on a server that does not wait for the disk: the figures
// mean nothing, but every contender has answered, and every answer was looked at.
func TestEveryContenderAnswers(t *testing.T) {
	t.Parallel()
	o := options{rounds: 1, period: 200 * time.Millisecond, warmUp: 50 * time.Millisecond, dir: os.TempDir(), long: 2 * shortHistory, crowd: 200, throwaway: true}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := measure(ctx, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.lines() {
		for _, m := range r.rounds(l) {
			if m.perSecond == 0 {
				t.Errorf("nothing succeeded: %s", m)
			}
			if l.contender != naiveName && l.load != overload && len(m.refused) > 0 {
				t.Errorf("something was refused: %s", m)
			}
		}
	}
	// Without pgbench on the machine, five lines and four claims fewer.
	left := len(slices.DeleteFunc(slices.Clone(r.conditions), func(c string) bool { return !strings.HasPrefix(c, "no pgbench") }))
	if got, want := len(r.lines()), 52-5*left; got != want {
		t.Errorf("%d lines were measured, want %d", got, want)
	}
	if got, want := len(r.claims()), 29-4*left; got != want {
		t.Errorf("%d claims are supported, want %d", got, want)
	}
	checkPage(t, r)
	r.options.write = t.TempDir()
	if err := r.publish(io.Discard); err != nil {
		t.Fatal(err)
	}
	drawing, err := os.Open(filepath.Join(r.options.write, "benchmarks.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer drawing.Close()
	bars := 0
	for tokens := xml.NewDecoder(drawing); ; {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the chart is no XML: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "rect" {
			bars++
		}
	}
	if want := 2*len(writers) + len(slowdowns)*len(shortlist) + 2*len(readers); bars != want {
		t.Errorf("the chart has %d bars, want %d", bars, want)
	}
}

func checkPage(t *testing.T, r *report) {
	t.Helper()
	var page strings.Builder
	if err := r.write(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fsync = ", "| usersvc | commands | 128 | ", "| naive | commands | 1 | ", "| plain-get | GET | 64 | ", "| crud | 2,000/s | ", "naive MAX + 1 | "} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

func TestUnknownContenderIsRefused(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{contendArg, "mongo"}, io.Discard, io.Discard); err == nil {
		t.Error("a contender that does not exist was started")
	}
}

// As above: the figures mean nothing, but the export after the import was compared.
func TestTransferKeepsEveryByte(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var page strings.Builder
	if err := transfer(ctx, options{events: 1000, dir: os.TempDir(), throwaway: true}, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "| export | ") || !strings.Contains(page.String(), "byte for byte") {
		t.Errorf("the page lacks something:\n%s", page.String())
	}
}
