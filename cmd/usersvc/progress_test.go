package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// On a terminal the answer stands where the bar was, and not behind what is left of it.
func TestBarLeavesTheLineToTheAnswer(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	p := &progress{bar: newBar(&screen)}
	<-time.After(2 * progressEvery)
	p.show("exporting", 1, 3)
	if !strings.Contains(screen.String(), "exporting") {
		t.Fatalf("there is no bar: %q", screen.String())
	}
	p.end()
	last := screen.String()[strings.LastIndexByte(screen.String(), '\r')+1:]
	if blank := strings.Count(screen.String(), "\r"); last != "" || blank < 2 {
		t.Errorf("the answer would stand behind %q", last)
	}
}
