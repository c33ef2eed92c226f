package main

import (
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
