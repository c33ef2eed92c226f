package main

import (
	"strings"
	"testing"
	"time"
)

// given are rounds of two contenders in turn, with these rates.
func given(rates ...[2]float64) *report {
	r := &report{}
	for round, pair := range rates {
		r.measurements = append(r.measurements,
			measurement{contender: serviceName, load: commands, connections: 128, round: round, perSecond: pair[0]},
			measurement{contender: oneStatementName, load: commands, connections: 128, round: round, perSecond: pair[1]})
	}
	return r
}

// Medians of the rates would make it 300 / 200. What counts is each round by itself.
func TestRatiosArePairedByRound(t *testing.T) {
	t.Parallel()
	claims := given([2]float64{300, 100}, [2]float64{100, 200}, [2]float64{800, 200}).claims()
	if len(claims) != 1 {
		t.Fatalf("%d claims, want the one that was measured", len(claims))
	}
	if c := claims[0]; c.middle != 3 || c.lowest != 0.5 || c.highest != 4 {
		t.Errorf("median %v (%v to %v), want 3 (0.5 to 4)", c.middle, c.lowest, c.highest)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim claim
		ends  string
	}{
		{claim{middle: 3, target: 3, unit: "×"}, "| ≥ 3× | ok"},
		{claim{middle: 2.99, target: 3, unit: "×"}, "| ≥ 3× | short"},
		{claim{middle: 250, target: 250, atMost: true, unit: " ms"}, "| ≤ 250 ms | ok"},
		{claim{middle: 251, target: 250, atMost: true, unit: " ms"}, "| ≤ 250 ms | short"},
	} {
		if got := c.claim.String(); !strings.HasSuffix(got, c.ends) {
			t.Errorf("%v becomes %q, want it to end in %q", c.claim, got, c.ends)
		}
	}
}

func TestLagIsTakenOverAllSamples(t *testing.T) {
	t.Parallel()
	r := given()
	for n := range 100 {
		r.lag = append(r.lag, time.Duration(100-n)*time.Millisecond)
	}
	for i, want := range []float64{51, 100} { // p50 and p99
		if c := r.claims()[i]; c.lowest != 1 || c.middle != want || c.highest != 100 {
			t.Errorf("%s: %v, from %v to %v; want %v, from 1 to 100", c.says, c.middle, c.lowest, c.highest, want)
		}
	}
}

// Nothing measured supports no claim; a lag of nothing is one.
func TestNoLagIsMeasuredToo(t *testing.T) {
	t.Parallel()
	r := &report{}
	if got := len(r.claims()); got != 0 {
		t.Errorf("%d claims are supported by nothing", got)
	}
	r.lag = []time.Duration{0, 0}
	if got := r.claims(); len(got) != 2 || !got[0].holds() {
		t.Errorf("claims of a projection that never lags: %v", got)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]string{0: "0", 999.4: "999", 999.5: "1,000", 12_345: "12,345", 1_259_987: "1,259,987", 21_000_000: "21,000,000"} {
		if got := count(rate); got != want {
			t.Errorf("count(%v) = %s, want %s", rate, got, want)
		}
	}
}
