package eventstore

import (
	"fmt"
	"slices"
	"sync"
)

const (
	// At the few thousand commands a second of a small machine, a longer queue could not be worked
	// off before its callers give up; it is better to say no at once.
	maxWaiting = 4096
	// A batch of this size is worth one commit many times over, and is over in a few milliseconds.
	maxBatch      = 256
	maxBatchBytes = 64 << 10
)

// queue holds the commands that wait for the batch under way to be committed, and knows whether there
// is one under way.
type queue struct {
	mu      sync.Mutex
	waiting []*pending
	busy    bool // somebody sends batches, until release
	closed  bool
	idle    sync.Cond // signalled by release
}

func newQueue() *queue {
	q := &queue{}
	q.idle.L = &q.mu
	return q
}

// push adds a command. If lead is true nobody sends batches: the caller has to, or has it done.
func (q *queue) push(p *pending) (lead bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false, fmt.Errorf("%w: it is being closed", ErrUnavailable)
	case len(q.waiting) >= maxWaiting:
		return false, fmt.Errorf("%w: %d commands are waiting", ErrUnavailable, maxWaiting)
	}
	q.waiting = append(q.waiting, p)
	lead = !q.busy
	q.busy = true
	return lead, nil
}

// release ends the sending of batches, unless more commands wait: then it goes on.
func (q *queue) release() (released bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		return false
	}
	q.busy = false
	q.idle.Broadcast()
	return true
}

// take removes the next batch: the oldest commands that may go together, marked as sent. A command
// that touches the stream, a claim or the key of one before it waits for the batch after. Where the
// batch is full it ends: a small command does not overtake a large one.
func (q *queue) take() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*pending
	touched := make(map[string]struct{}, min(len(q.waiting), maxBatch)*3)
	size, full := 0, false
	q.waiting = slices.DeleteFunc(q.waiting, func(p *pending) bool {
		full = full || len(batch) == maxBatch || size > 0 && size+p.size() > maxBatchBytes
		if full || p.touches(touched) {
			return false
		}
		if !p.send() {
			return true
		}
		p.touch(touched)
		size += p.size()
		batch = append(batch, p)
		return true
	})
	return batch
}

// close refuses further commands and waits until those that wait have been sent.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.busy {
		q.idle.Wait()
	}
}

// abandon removes whatever waits and ends the sending of batches.
func (q *queue) abandon() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := q.waiting
	q.waiting, q.busy = nil, false
	q.idle.Broadcast()
	return rest
}

func (p *pending) size() int {
	n := 0
	for _, e := range p.Events {
		n += len(e.Data)
	}
	return n
}

// names yields what the command touches, told apart by its first byte.
func (p *pending) names(yield func(string) bool) {
	if !yield("s" + string(p.StreamID[:])) {
		return
	}
	if p.Key != nil && !yield("k"+string(p.Key.Hash)) {
		return
	}
	for _, claims := range [][]Claim{p.Release, p.Take} {
		for _, c := range claims {
			if !yield("c" + c.Scope + "\x00" + c.Key) {
				return
			}
		}
	}
}

func (p *pending) touches(touched map[string]struct{}) bool {
	for name := range p.names {
		if _, ok := touched[name]; ok {
			return true
		}
	}
	return false
}

func (p *pending) touch(touched map[string]struct{}) {
	for name := range p.names {
		touched[name] = struct{}{}
	}
}
