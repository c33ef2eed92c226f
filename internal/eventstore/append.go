package eventstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// What an append can end in, besides success.
var (
	// ErrUnavailable says that nothing was stored and nothing will be: ask again later.
	ErrUnavailable = errors.New("the log takes no commands at the moment")
	// ErrOutcomeUnknown says that the command may or may not be stored. Appending the same event ids,
	// or the same key, again settles it.
	ErrOutcomeUnknown = errors.New("the outcome of the append is not known")
)

// VersionConflict says that the stream is not at the expected version.
type VersionConflict struct{ Current int }

func (e *VersionConflict) Error() string {
	return fmt.Sprintf("version conflict: the stream is at version %d", e.Current)
}

// ClaimTaken says that another stream holds a claim that the command wants.
type ClaimTaken struct{}

func (*ClaimTaken) Error() string { return "claim is held by another stream" }

// pending is a command on its way, and where its outcome goes.
type pending struct {
	Command
	state    atomic.Int32 // waiting ⇄ sent, or waiting → gone
	rollback error        // why it waits again; read by nobody but who makes it gone
	left     atomic.Bool  // its caller has stopped listening
	done     chan outcome // buffered: answering never blocks
	// Until then an earlier attempt, cut off from us, may still be carried out by the server.
	stragglerUntil time.Time
}

const (
	waiting int32 = iota
	sent
	gone
)

type outcome struct {
	Appended
	err error
}

func (p *pending) answer(a Appended, err error) { p.done <- outcome{a, err} }

// Append stores a command. Besides the errors above it returns *VersionConflict, *ClaimTaken, or what
// the database refused the command for. When ctx ends before the outcome is known, the command goes
// on and the caller is told ErrOutcomeUnknown, or ErrUnavailable if it had not been sent yet, or only in vain.
func (l *Log) Append(ctx context.Context, c Command) (Appended, error) {
	if err := ctx.Err(); err != nil {
		return Appended{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	p := newPending(c)
	lead, err := l.w.queue.push(p)
	if err != nil {
		return Appended{}, err
	}
	if lead {
		l.w.lead(ctx)
	}
	return p.await(ctx)
}

// send says that the command is being sent, unless nobody waits for it any longer.
func (p *pending) send() bool {
	return !p.left.Load() && (p.state.CompareAndSwap(waiting, sent) || p.state.Load() == sent)
}

// unsend says that it was, in vain. That is certain of the last attempt alone.
func (p *pending) unsend(why error) {
	if p.stragglerUntil.IsZero() {
		p.rollback = why
		p.state.CompareAndSwap(sent, waiting)
	}
}

func newPending(c Command) *pending { return &pending{Command: c, done: make(chan outcome, 1)} }

func (p *pending) await(ctx context.Context) (Appended, error) {
	select {
	case o := <-p.done:
		return o.Appended, o.err
	case <-ctx.Done():
		return p.withdraw(ctx.Err())
	}
}

// withdraw stops listening: the command is not sent any more, if it has not been.
func (p *pending) withdraw(why error) (Appended, error) {
	select {
	case o := <-p.done:
		return o.Appended, o.err
	default:
	}
	if p.state.CompareAndSwap(waiting, gone) {
		return Appended{}, fmt.Errorf("%w: %w", ErrUnavailable, cmp.Or(p.rollback, why))
	}
	p.left.Store(true)
	return Appended{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, why)
}
