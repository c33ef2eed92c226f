package torture

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	profile = flag.String("torture.profile", "short", "how much is done: short, reduced or full")
	seed    = flag.Uint64("torture.seed", 0, "repeats the choices of an earlier run; 0 makes new ones")
)

// times is how often something is done, in each profile.
type times struct{ short, reduced, full int }

func (n times) now() int {
	switch *profile {
	case "full":
		return n.full
	case "reduced":
		return n.reduced
	}
	return n.short
}

func (n times) seconds() time.Duration { return time.Duration(n.now()) * time.Second }

// begin starts a check. Only where time does not count may several run at once.
func begin(t *testing.T) {
	t.Helper()
	if *profile == "short" {
		t.Parallel()
	}
	t.Logf("-torture.profile=%s -torture.seed=%d", *profile, *seed)
}

// within fails a check for something that took too long, where time counts.
func within(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	if took > limit && *profile != "short" {
		t.Errorf("%s took %v, and may take %v", what, took.Round(time.Millisecond), limit)
	}
}

// chance is the choices of one part of a check: the same in each run with the same seed.
func chance(part int) *rand.Rand { return rand.New(rand.NewPCG(*seed, uint64(part))) }

// forEver is longer than anything takes on the busiest machine.
const forEver = 3 * time.Minute

// pass lets time pass, in which something goes on.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// await looks again and again until something is so. It ends the check when it never is.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(forEver); !so(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, forEver)
		}
	}
}
