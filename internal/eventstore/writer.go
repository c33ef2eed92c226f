package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// A batch that reaches the lock later than this after it was sent is refused by the server, so
	// that a "no" given meanwhile stays true.
	lateAfter = 2 * time.Second
	// Longer than lateAfter and a slow commit together; it is the batch's own deadline and no
	// caller's, as a client that hangs up must cancel nothing.
	attemptTimeout = 5 * time.Second
)

// writer sends one batch after the other over a connection of its own.
type writer struct {
	config *pgx.ConnConfig
	queue  *queue
	notify func()

	ctx    context.Context // ends when the writer has to give up at once
	cancel context.CancelFunc
	idle   chan struct{} // closed when run has returned

	conn *pgx.Conn
	// Both clocks when the connection was made: their difference must not make a batch late.
	serverClock, ownClock time.Time
}

func newWriter(config *pgx.ConnConfig) *writer {
	w := &writer{config: config.Copy(), queue: newQueue(), notify: func() {}, idle: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

func (w *writer) run() {
	defer close(w.idle)
	defer w.disconnect()
	for range w.queue.arrived {
		for !w.queue.empty() {
			if w.connect() != nil {
				return // closed: nobody waits any longer
			}
			w.settle(w.queue.take())
		}
		if w.queue.isClosed() {
			return
		}
	}
}

// close lets the waiting commands go through until ctx ends, and answers those that did not.
func (w *writer) close(ctx context.Context) {
	w.queue.close()
	stop := context.AfterFunc(ctx, w.cancel)
	<-w.idle
	stop()
	w.cancel()
	answerAll(w.queue.rest(), fmt.Errorf("%w: it is being closed", ErrUnavailable))
}

// settle stays with a batch until each of its commands has an outcome or no listener.
func (w *writer) settle(batch []*pending) {
	for pause := newPause(); len(batch) > 0; batch = listening(batch) {
		outcomes, fate, err := w.attempt(batch)
		switch {
		case err == nil:
			w.deliver(batch, outcomes)
			return
		case fate == refused:
			w.refuse(batch, err)
			return
		case fate == unknown:
			for _, p := range batch {
				p.stragglerUntil = time.Now().Add(lateAfter)
			}
		}
		if w.sleep(pause.NextBackOff()) != nil || w.connect() != nil {
			answerAll(batch, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err))
			return
		}
	}
}

// attempt sends a batch once. With an error comes what it means for the batch.
func (w *writer) attempt(batch []*pending) ([]outcome, fate, error) {
	args, err := newArguments(batch)
	if err != nil {
		return nil, refused, err
	}
	ctx, cancel := context.WithTimeout(w.ctx, attemptTimeout)
	defer cancel()
	outcomes, err := args.call(ctx, w.conn, w.serverNow().Add(lateAfter))
	if err == nil {
		return outcomes, 0, nil
	}
	fate := fateOf(err, w.conn.IsClosed())
	if fate == unknown || hasCode(err, tooLate) {
		w.disconnect() // and with the next connection comes a fresh reading of the server's clock
	}
	return nil, fate, err
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
	if err := w.queue.push(p); err != nil {
		p.answer(Appended{}, ErrOutcomeUnknown)
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

func listening(batch []*pending) []*pending {
	var rest []*pending
	for _, p := range batch {
		if !p.left.Load() {
			rest = append(rest, p)
		}
	}
	return rest
}
