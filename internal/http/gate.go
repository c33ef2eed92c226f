package httpapi

import (
	"net/http"
	"time"
)

// How many requests of a class are worked on at once. More wait in front, having cost next to nothing, and are sent away
// early: that keeps what is answered at its usual rate under any load, and one class from starving the others.
const (
	// Two batches of the log: the next is always full.
	commandsAtOnce = 512
	// Reads of one user that meet share a query.
	readsAtOnce = 1024
	// Lists may wait for a position. How many of them are in the database at once is seen to by internal/projections.
	listsAtOnce = 256
	// Who has waited so long in front is told to come back. Sending somebody away costs a third of carrying out a command, and
	// most are back at once: the sooner they are sent away, the less is left for those inside.
	gatePatience = 600 * time.Millisecond
)

// gate lets so many requests in at once, each until its answer begins. In front of it are those that have arrived whole and
// may do what they ask for: whoever is slow to send, or nobody, takes no place.
type gate chan struct{}

func newGate(atOnce int) gate { return make(gate, atOnce) }

// then has a request wait for its turn to be answered.
func (g gate) then(answer func(*request) error) func(*request) error {
	return func(r *request) error {
		if err := g.enter(r.Request); err != nil {
			return err
		}
		return answer(r)
	}
}

var errOverload = &problem{code: "unavailable", detail: "More requests of this kind arrive than can be answered. Nothing was changed."}

// enter waits for a turn, which ends when the answer begins.
func (g gate) enter(r *http.Request) error {
	if !g.admits(r.Context().Done()) {
		return errOverload
	}
	exchangeOf(r).inside = g
	return nil
}

func (g gate) admits(gone <-chan struct{}) bool {
	select {
	case g <- struct{}{}:
		return true
	default:
	}
	patience := time.NewTimer(gatePatience)
	defer patience.Stop()
	select {
	case g <- struct{}{}:
		return true
	case <-patience.C:
	case <-gone:
	}
	return false
}
