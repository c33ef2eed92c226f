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

// span is when something was done.
type span struct {
	began time.Time
	took  time.Duration
}

func (s span) has(at time.Time) bool { return !at.Before(s.began) && at.Before(s.began.Add(s.took)) }

type spans []span

func (all spans) sum() (took time.Duration) {
	for _, s := range all {
		took += s.took
	}
	return took
}

// split returns what answers took, sorted: those to commands that were due while something was done, and those
// to as many others. What is done is followed by a pause that is twice as long. The others are from the second
// half of it, as the server may be busy with what has been left behind in the first. Taking turns has a slow
// minute of the machine count for both.
func (p *pace) split(all spans) (meanwhile, otherwise []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.answers {
		for _, s := range all {
			switch {
			case s.has(a.due):
				meanwhile = append(meanwhile, a.took)
			case s.has(a.due.Add(-2 * s.took)):
				otherwise = append(otherwise, a.took)
			}
		}
	}
	slices.Sort(meanwhile)
	slices.Sort(otherwise)
	return meanwhile, otherwise
}

// percentile is of sorted values.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}
