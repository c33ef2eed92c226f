package main

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRebuildsAreMeasured(t *testing.T) {
	t.Parallel()
	o := options{rounds: 1, period: time.Second, dir: os.TempDir(), throwaway: true}
	var page strings.Builder
	if err := benchRebuilds(t.Context(), o, 1000, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fsync = ", "| drained from cold, thousand events a second, 1000 events of 100 users, those of a user together | ",
		"| rebuilt, thousand events a second, 1000 events of 100 users, those of a user far apart | ", " MB | "} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}
