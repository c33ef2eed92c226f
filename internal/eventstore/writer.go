package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/safeguard"
)

const (
	// A batch that reaches the lock later than this after it was sent is refused by the server, so
	// that a "no" given meanwhile stays true.
	lateAfter = 2 * time.Second
	// Longer than lateAfter and a slow commit together. A client that hangs up cancels nothing.
	attemptTimeout = 5 * time.Second
)

// writer sends one batch after the other over a connection of its own. Whoever finds it idle sends the
// first batch itself, so that a lonely command pays for no hand-over; what gathers meanwhile is sent by
// a goroutine, which ends when nothing waits any more.
type writer struct {
	config   *pgx.ConnConfig
	queue    *queue
	notify   func()
	pace     func() time.Duration
	observe  func(Batch)
	rollback atomic.Pointer[refusal] // why the newest batch was rolled back, nil if it was not

	ctx    context.Context // ends when the writer has to give up at once
	cancel context.CancelFunc

	// What follows belongs to whoever made the queue busy.
	conn   *pgx.Conn
	rested time.Duration // since the batch before
	// Both clocks when the connection was made: their difference must not make a batch late.
	serverClock, ownClock time.Time
}

func newWriter(config *pgx.ConnConfig) *writer {
	w := &writer{config: config.Copy(), queue: newQueue(), notify: func() {}, pace: func() time.Duration { return 0 }, observe: func(Batch) {}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	if safeguard.Removed(safeguard.Durability) {
		w.config.RuntimeParams["synchronous_commit"] = "off"
	}
	return w
}

// lead sends a batch in the goroutine of a caller, within its deadline: though the caller hangs up, the
// batch goes on. Whatever would take longer is left to a goroutine.
func (w *writer) lead(ctx context.Context) {
	if w.conn == nil {
		go w.run()
		return
	}
	ctx, cancel := withDeadlineOf(w.ctx, ctx)
	defer cancel()
	batch := w.queue.take()
	outcomes, fate, err := w.attempt(ctx, batch)
	if err != nil {
		go func() {
			w.retry(batch, fate, err)
			w.run()
		}()
		return
	}
	w.deliver(batch, outcomes)
	if !w.queue.release() {
		go w.run()
	}
}

func withDeadlineOf(parent, other context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := other.Deadline(); ok {
		return context.WithDeadline(parent, deadline)
	}
	return context.WithCancel(parent)
}

// run sends batches until nothing waits.
func (w *writer) run() {
	for !w.queue.release() {
		if w.rest() != nil || w.connect() != nil { // closed: nobody waits any longer
			answerAll(w.queue.abandon(), fmt.Errorf("%w: it is being closed", ErrUnavailable))
			return
		}
		w.settle(w.queue.take())
	}
}

// rest lets those who read the log catch up.
func (w *writer) rest() error {
	pause := w.pace()
	if pause <= 0 {
		return nil
	}
	w.rested += pause
	return w.sleep(pause)
}

// close lets the waiting commands go through until ctx ends, and answers those that did not.
func (w *writer) close(ctx context.Context) {
	stop := context.AfterFunc(ctx, w.cancel)
	defer stop()
	w.queue.close()
	w.cancel()
	w.disconnect()
}

// settle stays with a batch until each of its commands has an outcome or no listener.
func (w *writer) settle(batch []*pending) {
	if len(batch) == 0 {
		return
	}
	outcomes, fate, err := w.attempt(w.ctx, batch)
	if err != nil {
		w.retry(batch, fate, err)
		return
	}
	w.deliver(batch, outcomes)
}

// retry deals with a batch that an attempt failed for: what was refused is answered, anything else is
// tried again, the same events with the same ids.
func (w *writer) retry(batch []*pending, fate fate, err error) {
	for pause := newPause(); ; {
		switch fate {
		case refused:
			w.refuse(batch, err)
			return
		case unknown:
			if safeguard.Removed(safeguard.Settlement) {
				answerAll(batch, ErrUnavailable)
				return
			}
			for _, p := range batch {
				p.stragglerUntil = time.Now().Add(lateAfter)
			}
		}
		if w.sleep(pause.NextBackOff()) != nil || w.connect() != nil {
			for _, p := range batch {
				p.answer(p.withdraw(err))
			}
			return
		}
		batch = slices.DeleteFunc(batch, func(p *pending) bool { return !p.send() })
		if len(batch) == 0 {
			return
		}
		var outcomes []outcome
		if outcomes, fate, err = w.attempt(w.ctx, batch); err == nil {
			w.deliver(batch, outcomes)
			return
		}
	}
}

// attempt sends a batch once. With an error comes what it means for the batch.
func (w *writer) attempt(ctx context.Context, batch []*pending) ([]outcome, fate, error) {
	rested := w.rested
	w.rested = 0
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	began := time.Now()
	outcomes, err := call(ctx, w.conn, batch, w.serverNow().Add(lateAfter))
	w.observe(newBatch(batch, outcomes, rested, time.Since(began)))
	if err == nil {
		w.rollback.Store(nil)
		return outcomes, 0, nil
	}
	fate := fateOf(err, w.conn.IsClosed())
	if fate == rolledBack {
		w.takeBack(batch, newRefusal(err))
	}
	if fate == unknown || hasCode(err, tooLate) {
		w.disconnect() // and with the next connection comes a fresh reading of the server's clock
	}
	return nil, fate, err
}

// takeBack makes the commands of a batch that was rolled back wait again.
func (w *writer) takeBack(batch []*pending, why error) {
	var r *refusal
	if errors.As(why, &r) {
		w.rollback.Store(r)
	}
	for _, p := range batch {
		p.unsend(why)
	}
}

// deliver answers the batch. A "no" is not final while an earlier attempt may still be carried out:
// that command is asked about again when none can be any more.
func (w *writer) deliver(batch []*pending, outcomes []outcome) {
	w.notify()
	for i, p := range batch {
		if wait := time.Until(p.stragglerUntil); outcomes[i].err != nil && wait > 0 {
			time.AfterFunc(wait, func() { w.again(p) })
			continue
		}
		p.done <- outcomes[i]
	}
}

func (w *writer) again(p *pending) {
	lead, err := w.queue.push(p)
	if err != nil {
		p.answer(Appended{}, ErrOutcomeUnknown)
	} else if lead {
		w.run()
	}
}

// refuse answers a batch that the database will not take. Of several commands each is tried alone.
func (w *writer) refuse(batch []*pending, err error) {
	if len(batch) > 1 && bySelf(err) {
		for i, p := range batch {
			if w.connect() != nil {
				answerAll(batch[i:], ErrUnavailable)
				return
			}
			w.settle([]*pending{p})
		}
		return
	}
	answerAll(batch, newRefusal(err))
}

func answerAll(batch []*pending, err error) {
	for _, p := range batch {
		p.answer(Appended{}, err)
	}
}
