package torture

import (
	"slices"
	"sync"
	"time"
)

// pace is what the answers to an open load took: so many commands a second are due, each at its time, however
// late the answers are. What an answer took counts from when its command was due, so that a service which
// stands still is not spared those that would have been sent meanwhile.
type pace struct {
	mu      sync.Mutex
	answers []answer
}

type answer struct {
	due  time.Time
	took time.Duration
}

// startPaced is start for an open load.
func (l *load) startPaced(perSecond int, next func(*sender) *command) *pace {
	p := &pace{}
	l.stopped = make(chan struct{})
	l.t.Cleanup(l.over.Wait)
	began, step := time.Now(), time.Second/time.Duration(perSecond)
	for n := range l.clients {
		l.over.Go(func() {
			s := &sender{load: l, n: n, rng: chance(n)}
			for due := began.Add(step * time.Duration(n)); l.running(); due = due.Add(step * time.Duration(l.clients)) {
				<-time.After(time.Until(due))
				l.carryOut(n, next(s))
				p.note(answer{due, time.Since(due)})
			}
		})
	}
	return p
}

func (p *pace) note(a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, a)
}

// during returns what the answers took whose commands were due while something was done, the shortest first.
func (p *pace) during(something func()) (took []time.Duration) {
	began := time.Now()
	something()
	ended := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.answers {
		if a.due.After(began) && a.due.Before(ended) {
			took = append(took, a.took)
		}
	}
	slices.Sort(took)
	return took
}

// percentile is of sorted values.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}
