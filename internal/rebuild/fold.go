package rebuild

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/tuples"
)

// fold reads the log up to a position, user by user, and copies the rows that the users make, while the next users are folded.
func (r *Run) fold(ctx context.Context, through int64) error {
	f := folding{Run: r, rows: r.target.Rows(), made: make(chan portion), copied: make(chan time.Duration, 1)}
	f.copied <- 0 // nothing is being copied
	if r.target.Shadow != nil {
		skipped, err := r.target.Live.Skipped(ctx, r.tx, through)
		if err != nil {
			return err
		}
		r.skipped = skipped
		if err := r.target.Shadow.Begin(ctx, r.tx, through); err != nil {
			return err
		}
	}
	both, whileCopied := errgroup.WithContext(ctx)
	both.Go(func() error {
		defer close(f.made)
		return f.read(whileCopied, through)
	})
	both.Go(func() error { return r.copyAll(ctx, f.made, f.copied) })
	return both.Wait()
}

// folding is a fold under way, at some user.
type folding struct {
	*Run
	rows   Rows
	made   chan portion
	copied chan time.Duration // how long the portion before took

	user     uuid.UUID
	begun    bool // a user; any id may be one, the nil UUID too
	gathered int  // events, since rows were handed over
	failed   bool // an event of this user
	letters  []outbox.Letter
}

func (f *folding) read(ctx context.Context, through int64) error {
	read := ReadByUser
	if len(f.makers) > 1 {
		read = readInHalves
	}
	if err := read(ctx, f.pool, through, func(e eventstore.Recorded) error { return f.add(ctx, e) }); err != nil {
		return err
	}
	f.endUser()
	return f.handOver(ctx)
}

func (f *folding) add(ctx context.Context, e eventstore.Recorded) error {
	f.progress.more(1)
	if err := f.way.make(ctx); err != nil {
		return err
	}
	if user := projections.UserOf(e); !f.begun || user != f.user {
		f.endUser()
		f.user, f.begun, f.failed = user, true, false
		f.rows.Begin(user)
	}
	if f.gathered >= eventsTogetherAlone || f.gathered >= eventsTogether && !f.way.alone.Load() {
		if err := f.handOver(ctx); err != nil {
			return err
		}
	}
	f.gathered++
	return f.take(e)
}

// errPassed has a rebuild fail that would put an event that fails now behind one that was given up, which its user had come to: that
// happens in a build that knows less than the one before. When it is tried again, it would be taken for handled.
var errPassed = errors.New("an event fails now that did not when a later one of its user was given up")

func (f *folding) take(e eventstore.Recorded) error {
	switch {
	case f.skipped[e.Position] && f.failed:
		return errPassed
	case f.skipped[e.Position]:
		f.rows.Pass(e)
	case f.failed:
		f.park(e, nil)
	default:
		if err := f.rows.Add(e); err != nil {
			f.failed = true
			f.park(e, err)
		}
	}
	return nil
}

func (f *folding) park(e eventstore.Recorded, why error) {
	if f.target.Shadow != nil {
		e.Data = nil // it is in the log
		f.letters = append(f.letters, outbox.Letter{Event: e, User: f.user, Err: why})
	}
}

func (f *folding) endUser() {
	if f.begun {
		f.rows.End()
	}
}

// handOver has what was gathered copied, when the portion before has been, and after a rest.
func (f *folding) handOver(ctx context.Context) error {
	var took time.Duration
	select {
	case took = <-f.copied:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := f.way.rest(ctx, took); err != nil {
		return err
	}
	made := portion{make(map[string]tuples.Rows), f.letters}
	for i, rows := range f.rows.Take() {
		made.rows[f.target.Tables[i]] = rows
	}
	f.gathered, f.letters = 0, nil
	select {
	case f.made <- made:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
