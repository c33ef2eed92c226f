package users

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// turns lets the requests for one user, and those with one idempotency key, go one after the other
// within this process. It makes nothing correct, the append does that; it saves the races.
type turns struct {
	mu    sync.Mutex
	lines map[name]*line
}

// name tells users ('u' and the id) from keys ('k' and the hash).
type name [33]byte

// longestLine is how many requests are let into a line. They hold places that requests for all users share, so one user's take a quarter
// of those at most.
const longestLine = 128

var errLongLine = errors.New("the line is too long")

type line struct {
	turn   chan struct{} // holds a token while it is somebody's turn
	length int           // of the line, the one whose turn it is included
}

func newTurns() *turns { return &turns{lines: make(map[name]*line)} }

// take waits for the turn of a request and returns what ends it. Keys come before users, always, so
// that nobody waits in a circle.
func (t *turns) take(ctx context.Context, r Request) (done func(), err error) {
	endKey := func() {}
	if r.Key != nil {
		if endKey, err = t.wait(ctx, newName('k', r.Key.hash())); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeyInFlight, err)
		}
	}
	endUser, err := t.wait(ctx, newName('u', r.UserID[:]))
	if err != nil {
		endKey()
		return nil, fmt.Errorf("%w: too many commands for one user: %w", ErrUnavailable, err)
	}
	return func() { endUser(); endKey() }, nil
}

func newName(kind byte, id []byte) name {
	n := name{kind}
	copy(n[1:], id)
	return n
}

func (t *turns) wait(ctx context.Context, n name) (done func(), err error) {
	l := t.join(n)
	if l == nil {
		return nil, errLongLine
	}
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn; t.leave(n, l) }, nil
	case <-ctx.Done():
		t.leave(n, l)
		return nil, ctx.Err()
	}
}

// join returns nil if the line is too long.
func (t *turns) join(n name) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.lines[n]
	if !ok {
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[n] = l
	}
	if l.length == longestLine {
		return nil
	}
	l.length++
	return l
}

func (t *turns) leave(n name, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.length--; l.length == 0 {
		delete(t.lines, n)
	}
}
