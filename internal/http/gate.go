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

// gate lets so many requests in at once, each until its answer begins.
func (a *api) gate(atOnce int) layer {
	inside := make(chan struct{}, atOnce)
	refuse := a.serve(func(http.ResponseWriter, *http.Request) error { return errOverload })
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !enter(inside, r.Context().Done()) {
				refuse(w, r)
				return
			}
			x := exchangeOf(r)
			x.inside = inside
			defer x.leave()
			next.ServeHTTP(w, r)
		})
	}
}

var errOverload = &problem{code: "unavailable", detail: "More requests of this kind arrive than can be answered. Nothing was changed."}

func enter(inside chan<- struct{}, gone <-chan struct{}) bool {
	select {
	case inside <- struct{}{}:
		return true
	default:
	}
	patience := time.NewTimer(gatePatience)
	defer patience.Stop()
	select {
	case inside <- struct{}{}:
		return true
	case <-patience.C:
	case <-gone:
	}
	return false
}
