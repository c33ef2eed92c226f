package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/tracing"
)

// A race can be lost to another replica; three times in a row means that the user is fought over.
const maxTries = 3

// Execute carries a command out and returns the user after it. Errors: *domain.Error where a rule says
// no, *PreconditionFailed, *VersionConflict, ErrKeyReused, ErrKeyInFlight, ErrUnavailable (nothing was
// changed) and ErrOutcomeUnknown.
func (u *Users) Execute(ctx context.Context, r Request) (result Result, err error) {
	defer func() { u.observer.Executed(nameOf(r.Command), outcomeOf(result, err)) }()
	done, err := u.turns.take(ctx, r)
	if err != nil {
		return Result{}, err
	}
	defer done()
	for try := 1; ; try++ {
		result, err := u.try(ctx, r, try == 1)
		var lost *eventstore.VersionConflict
		if !errors.As(err, &lost) {
			return result, outward(err)
		}
		if _, creates := r.Command.(domain.CreateUser); creates {
			return Result{}, domain.ErrUserExists // whatever it is that has the id
		}
		if try == maxTries {
			return Result{}, &VersionConflict{lost.Current}
		}
		u.observer.Redecided()
	}
}

// try decides once and appends: on a user who is remembered, if the answer may rest on that, or else on a fresh load.
func (u *Users) try(ctx context.Context, r Request, remember bool) (Result, error) {
	if view, ok := u.remembered(r); ok && remember {
		if decided, err := u.decide(ctx, view.User, r); err == nil && len(decided.events) > 0 {
			return u.appendRemembered(ctx, r, view, decided)
		}
	}
	view, record, err := u.load(ctx, r)
	if err != nil {
		return Result{}, err
	}
	if record != nil {
		return u.replay(ctx, r, record)
	}
	if view.User.Version > 0 {
		u.cache.Add(r.UserID, view)
	}
	decided, err := u.decide(ctx, view.User, r)
	if err != nil {
		return Result{}, err
	}
	if len(decided.events) == 0 && r.Key == nil {
		return Result{View: view}, nil
	}
	return u.append(ctx, r, view, decided)
}

// decision is what a command leads to.
type decision struct {
	events []domain.Event
	causes []uuid.UUID // by a restore: for each event the one that it undoes
}

// decide asks the caller's condition, then the command. Whether the user is there comes before both.
func (u *Users) decide(ctx context.Context, user domain.User, r Request) (_ decision, err error) {
	ctx, end := tracing.Step(ctx, "decide")
	defer func() { end(err) }()
	if r.IfMatch.given() {
		if err := user.Alive(); err != nil {
			return decision{}, err
		}
		if !r.IfMatch.allows(user.Version) {
			return decision{}, &PreconditionFailed{user.Version}
		}
	}
	if c, ok := r.Command.(domain.Restore); ok {
		return u.decideRestore(ctx, user, c)
	}
	events, err := r.Command.Decide(user)
	return decision{events: events}, err
}

// append stores the events that were decided on before, and folds them with the time they were given.
func (u *Users) append(ctx context.Context, r Request, before View, decided decision) (_ Result, err error) {
	ctx, end := tracing.Step(ctx, "append")
	defer func() { end(err) }()
	command, err := newCommand(r, before, decided)
	if err != nil {
		return Result{}, err
	}
	appended, err := u.log.Append(ctx, command)
	if err != nil {
		u.cache.Remove(r.UserID)
		return Result{}, err
	}
	if appended.Replayed != nil {
		return u.replay(ctx, r, appended.Replayed)
	}
	after := before
	for _, e := range decided.events {
		after.User = after.User.Apply(e, appended.RecordedAt)
		after.Position = appended.Position
	}
	u.cache.Add(r.UserID, after)
	u.snapshots.consider(before, after)
	return Result{View: after, stored: len(decided.events) > 0}, nil
}

// outward turns what the log says into what a caller is told.
func outward(err error) error {
	var taken *eventstore.ClaimTaken
	var strange *domain.UnknownEvent
	switch {
	case err == nil:
		return nil
	case errors.As(err, &taken):
		return domain.ErrEmailTaken
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	case errors.Is(err, eventstore.ErrUnavailable), errors.As(err, &strange):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
