package torture

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// The profiles freeze for as many seconds.
var frozenSeconds = times{3, 10, 10}

const (
	fourPools      = 64 // the service's pool has 16 connections
	repliesWithin  = 2 * time.Second
	normalWithin   = 30 * time.Second
	commandsBefore = 500
)

// PostgreSQL stands still, neither dead nor answering, under four times as many clients as there are connections.
// Everybody is answered in time, with success or with when to ask again, and afterwards all is as it was.
func TestFrozenDatabase(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	s := serve(t, pg.url("usersvc"))
	r := &replies{}
	l := (&load{t: t, clients: fourPools / 2, target: at(s), timed: r.note}).start()
	stopReading := l.read(s, fourPools/2, r.note)
	l.await(commandsBefore)
	before := s.footprint()
	r.forget()
	pg.freeze()
	began := time.Now()
	await(t, "the server has been frozen for long", func() bool { return time.Since(began) > time.Duration(frozenSeconds.now())*time.Second })
	pg.thaw()
	thawed := time.Now()
	await(t, "commands go on", func() bool { return r.successAfter(thawed) })
	await(t, "all is normal", func() bool { return s.footprint().normal(before) })
	within(t, "being normal again", time.Since(thawed), normalWithin)
	t.Logf("before: %v; %v after the thaw: %v", before, time.Since(thawed).Round(time.Millisecond), s.footprint())
	stopReading()
	l.stop()
	r.check(t)
	l.checkAll(pg)
}

// read has clients read users by id, and lists, until they are stopped.
func (l *load) read(s *service, clients int, note func(reply, error, time.Duration)) (stop func()) {
	stopped := make(chan struct{})
	var all sync.WaitGroup
	l.t.Cleanup(all.Wait)
	for n := range clients {
		all.Go(func() {
			rng := chance(l.clients + n)
			for {
				select {
				case <-stopped:
					return
				case <-l.t.Context().Done():
					return
				default:
				}
				path := "/v1/users/" + l.somebody(rng)
				if rng.IntN(4) == 0 {
					path = "/v1/users?limit=10"
				}
				asked := time.Now()
				r, err := s.send(request{method: "GET", path: path})
				note(r, err, time.Since(asked))
			}
		})
	}
	return func() { close(stopped); all.Wait() }
}

// replies is what clients were answered, and how soon.
type replies struct {
	mu      sync.Mutex
	byCode  map[string]int
	slowest map[string]time.Duration
	late    int
	wrong   []string
	success time.Time // the last
}

func (r *replies) note(a reply, err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	code := a.code
	switch {
	case err != nil:
		code = "no answer"
		r.wrong = append(r.wrong, err.Error())
	case a.ok():
		code = "success"
		r.success = time.Now()
	case a.status != 503 || a.retryAfter == "":
		r.wrong = append(r.wrong, fmt.Sprintf("%d %s, Retry-After: %q", a.status, a.code, a.retryAfter))
	}
	if r.byCode == nil {
		r.byCode, r.slowest = make(map[string]int), make(map[string]time.Duration)
	}
	r.byCode[code]++
	r.slowest[code] = max(r.slowest[code], took)
	if took > repliesWithin {
		r.late++
	}
}

// forget begins anew.
func (r *replies) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byCode, r.slowest, r.late, r.wrong = nil, nil, 0, nil
}

func (r *replies) successAfter(moment time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.success.After(moment)
}

func (r *replies) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for code, slowest := range r.slowest {
		within(t, "the slowest answer "+code, slowest, repliesWithin)
		t.Logf("%d times %s, within %v", r.byCode[code], code, slowest.Round(time.Millisecond))
	}
	if len(r.wrong) > 0 {
		t.Errorf("%d answers say neither success nor when to ask again, such as %s", len(r.wrong), r.wrong[0])
	}
	t.Logf("%d answers came later than %v", r.late, repliesWithin)
}
