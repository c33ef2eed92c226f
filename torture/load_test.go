package torture

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is clients that send commands, each of which changes something, and what became of every one.
type load struct {
	t       *testing.T
	clients int
	pause   time.Duration        // of each client between two commands
	target  func(n int) *service // whom a client asks, now
	keyed   bool                 // nobody gives up: all commands have a key
	seeded  int                  // events that were in the log before

	contended bool // by several replicas, which may lose races: 409 version_conflict is an honest answer

	timed func(r reply, err error, took time.Duration) // if set, is told of every attempt

	mu    sync.Mutex
	users []string // that have been created
	sent  []*command
	lost  []lost

	acknowledged atomic.Int64
	stopped      chan struct{}
	over         sync.WaitGroup
}

// at is a load on one service.
func at(s *service) func(int) *service { return func(int) *service { return s } }

// start lets the clients begin. They end with stop, or with the check.
func (l *load) start() *load {
	l.stopped = make(chan struct{})
	l.t.Cleanup(l.over.Wait)
	for n := range l.clients {
		l.over.Go(func() {
			c := &sender{load: l, n: n, rng: chance(n)}
			for l.running() {
				l.carryOut(n, c.next())
				if l.pause > 0 {
					<-time.After(time.Duration(float64(l.pause) * (0.5 + c.rng.Float64())))
				}
			}
		})
	}
	return l
}

func (l *load) running() bool {
	select {
	case <-l.stopped:
		return false
	case <-l.t.Context().Done():
		return false
	default:
		return true
	}
}

// stop has each client finish what it is at.
func (l *load) stop() {
	close(l.stopped)
	l.over.Wait()
}

// await returns when so many commands have been acknowledged.
func (l *load) await(n int) {
	l.t.Helper()
	await(l.t, fmt.Sprintf("%d commands are acknowledged", n), func() bool { return l.acknowledged.Load() >= int64(n) })
}

const (
	askAgainAfter = 20 * time.Millisecond
	giveUpAfter   = time.Minute
)

// carryOut sends a command. One with a key is sent until there is an answer, one without is sent once.
func (l *load) carryOut(n int, c *command) {
	l.mu.Lock()
	l.sent = append(l.sent, c)
	l.mu.Unlock()
	for began := time.Now(); ; <-time.After(askAgainAfter) {
		asked := time.Now()
		r, err := l.target(n).send(c.request)
		if l.timed != nil {
			l.timed(r, err, time.Since(asked))
		}
		if err != nil {
			l.note(lost{r.wrote, err})
		}
		if l.contended && r.code == "version_conflict" {
			r.code = "unavailable" // as little happened, and as much sense it has to ask again
		}
		if c.settle(r, err) || c.key == "" || time.Since(began) > giveUpAfter || l.t.Context().Err() != nil {
			break
		}
	}
	if c.fate == acknowledged {
		l.acknowledged.Add(1)
		l.learn(c)
	}
}

// lost is a request that had no answer.
type lost struct {
	wrote time.Time // zero if it did not get so far
	err   error
}

func (l *load) note(missing lost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, missing)
}

// checkAnswered checks that whatever had been sent by an instant, and after another, was answered.
func (l *load) checkAnswered(after, until time.Time) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, missing := range l.lost {
		if missing.wrote.After(after) && missing.wrote.Before(until) {
			l.t.Errorf("a request sent %v before the end was asked for was never answered: %v", until.Sub(missing.wrote), missing.err)
		}
	}
}

// learn makes a user that was created known to all clients, unless it is somebody's own.
func (l *load) learn(c *command) {
	if c.creates == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = append(l.users, c.creates)
}

// somebody is one of the users that all clients share, "" while there are none.
func (l *load) somebody(rng *rand.Rand) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.users) == 0 {
		return ""
	}
	return l.users[rng.IntN(len(l.users))]
}
