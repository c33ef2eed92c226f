package torture

import (
	"sync/atomic"
	"testing"
	"time"
)

var serviceEnds = times{2, 5, 20}

const (
	clientsOfAService = 32
	// With the time that answers take, about 200 requests a second come of it.
	pauseOfAClient = 150 * time.Millisecond
	readyAfter     = 3 * time.Second
	endsAfter      = 10 * time.Second
)

// The service is killed again and again under clients that write. What was acknowledged is there, nothing
// happened twice, and each effect is there once. Every other time the projection is in the middle of a batch.
func TestKilledService(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	var current atomic.Pointer[service]
	current.Store(serve(t, pg.url("usersvc")))
	l := (&load{t: t, clients: clientsOfAService, pause: pauseOfAClient, target: func(int) *service { return current.Load() }}).start()
	var slowest time.Duration
	for n := range serviceEnds.now() {
		l.await(int(l.acknowledged.Load()) + 100)
		if n%2 == 0 {
			current.Load().kill()
		} else {
			pg.strike(pg.catchWorker(), current.Load().kill)
		}
		current.Store(serve(t, pg.url("usersvc")))
		slowest = max(slowest, time.Since(current.Load().began))
	}
	l.stop()
	within(t, "a start", slowest, readyAfter)
	l.checkAll(pg)
	t.Logf("the service was killed %d times, and ready again within %v", serviceEnds.now(), slowest.Round(time.Millisecond))
}

// checkAll judges everything that clients, log, projection and its account say.
func (l *load) checkAll(pg *postgres) {
	l.t.Helper()
	h := l.checkProjection(pg)
	h.checkEffects(l.t, pg)
}

// checkProjection leaves out the account of effects, for a check that keeps none.
func (l *load) checkProjection(pg *postgres) *history {
	l.t.Helper()
	pg.awaitProjection()
	h := pg.readHistory()
	l.judge(h)
	h.checkProjection(l.t, pg)
	h.checkClaims(l.t, pg)
	return h
}
