package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTravelsAreMeasured(t *testing.T) {
	t.Parallel()
	o := options{rounds: 1, reads: 3, period: time.Second, dir: os.TempDir(), throwaway: true}
	var page strings.Builder
	if err := benchTravel(t.Context(), o, 1000, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"fsync = ", "| past | q by createdAt, as_of | 1 | ", "| p50 of one user, as_of / now | ", "| p99 of status=active by email, as_of | ",
		"| commands a second, with rows of the past / without | ",
		"### q by createdAt\n\n```text\n", "actual time=",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

func TestScaleComparesTheLogs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := options{rounds: 1, reads: 5, period: 100 * time.Millisecond, warmUp: 10 * time.Millisecond, dir: os.TempDir(), throwaway: true}
	var page strings.Builder
	if err := benchScale(ctx, o, []int{100, 200}, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 2100 events | commands | 32 | ", "| commands a second, 2100 events / 1050 events | ", "| p50 of one user, as_of, 2100 events / 1050 events | "} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

func TestSoakLooksAtWhatGrows(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := options{period: 1500 * time.Millisecond, warmUp: 10 * time.Millisecond, dir: os.TempDir(), throwaway: true}
	var page strings.Builder
	if err := benchSoak(ctx, o, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| of the commands, carried out | ", "| memory of the service, at most | ", "| bytes of its indexes, at the end / after a third | "} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}
