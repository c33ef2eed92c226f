// Package coalesce answers concurrent reads with few queries.
//
// It guarantees that no answer is older than its question: a read joins only a query that starts after
// it was asked for. A lonely reader runs its query itself, at once. A query has at most as many
// questions as there are requests under way, and its own deadline: a reader that leaves disturbs nobody.
package coalesce

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// Two readers have a query each, side by side. More share one at a time: it then carries all reads that came during
	// the one before, and both sides do least for each of them.
	few = 2
	// A query serves many readers, so it has a deadline of its own and none of theirs. Only the first one of a
	// burst has a single reader, who runs it, and must not be late for that.
	queryTimeout = 1800 * time.Millisecond
)

// Reads are the concurrent reads of one kind.
type Reads[Q, A any] struct {
	query func(context.Context, []Q) ([]A, error)

	mu      sync.Mutex
	waiting *round[Q, A] // the reads of the next query, nil if there are none
	asked   int          // reads in the queries under way
}

// round is the reads that one query answers.
type round[Q, A any] struct {
	questions []Q
	done      chan struct{}
	answers   []A
	err       error
}

// New answers by a query that returns an answer for each question, in the same order. The same
// question may be among them twice.
func New[Q, A any](query func(context.Context, []Q) ([]A, error)) *Reads[Q, A] {
	return &Reads[Q, A]{query: query}
}

// Ask returns the answer to a question, or what the query failed with, or ctx's error if it ends first.
func (r *Reads[Q, A]) Ask(ctx context.Context, q Q) (A, error) {
	mine, n, lead := r.join(q)
	if lead {
		// Run here, not in a goroutine of its own: a lonely reader pays for no hand-over.
		r.run(context.WithoutCancel(ctx), mine, deadline(ctx))
	}
	var none A
	select {
	case <-mine.done:
		if mine.err != nil {
			return none, mine.err
		}
		return mine.answers[n], nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// deadline is that of a query which answers one reader alone.
func deadline(ctx context.Context) time.Time {
	latest := time.Now().Add(queryTimeout)
	if his, ok := ctx.Deadline(); ok && his.Before(latest) {
		return his
	}
	return latest
}

// join puts a question into the next query, as its nth. lead says that the caller has to run it.
func (r *Reads[Q, A]) join(q Q) (mine *round[Q, A], n int, lead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		r.waiting = &round[Q, A]{done: make(chan struct{})}
	}
	mine, n = r.waiting, len(r.waiting.questions)
	mine.questions = append(mine.questions, q)
	if r.asked >= few {
		return mine, n, false
	}
	r.begin()
	return mine, n, true
}

// begin takes what waits to be run.
func (r *Reads[Q, A]) begin() *round[Q, A] {
	next := r.waiting
	r.waiting = nil
	r.asked += len(next.questions)
	return next
}

// run answers a round, then has the one that has gathered meanwhile answered, even after a panic: the
// other readers must not wait for ever.
func (r *Reads[Q, A]) run(ctx context.Context, these *round[Q, A], by time.Time) {
	defer r.runNext(ctx, len(these.questions))
	defer close(these.done)
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	these.err = errNotAnswered
	these.answers, these.err = r.query(ctx, these.questions)
}

var errNotAnswered = errors.New("the query came to no end")

func (r *Reads[Q, A]) runNext(ctx context.Context, answered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked -= answered
	if r.waiting != nil && r.asked < few {
		go r.run(ctx, r.begin(), time.Now().Add(queryTimeout))
	}
}
