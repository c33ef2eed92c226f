package users

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// DryRun is what a command would do: its events, and the user as it would be after them.
type DryRun struct {
	View
	Events []Draft
}

// Draft is an event that was decided on and is not stored.
type Draft struct {
	Type          string
	SchemaVersion int
	Version       int
	Data          json.RawMessage
}

// DryRun decides a command as Execute does, on a fresh load alone, and stores nothing. Errors are those
// of Execute as far as nobody else writes; the key is not looked at. Times are the database's clock.
func (u *Users) DryRun(ctx context.Context, r Request) (DryRun, error) {
	run, err := u.dryRun(ctx, r)
	return run, outward(err)
}

func (u *Users) dryRun(ctx context.Context, r Request) (DryRun, error) {
	r.Key = nil
	view, _, err := u.load(ctx, r)
	if err != nil {
		return DryRun{}, err
	}
	decided, err := u.decide(ctx, view.User, r)
	if err != nil || len(decided.events) == 0 {
		return DryRun{View: view}, err
	}
	command, err := newCommand(r, view, decided)
	if err != nil {
		return DryRun{}, err
	}
	if err := u.free(ctx, command); err != nil {
		return DryRun{}, err
	}
	now, err := u.nextInstant(ctx)
	if err != nil {
		return DryRun{}, err
	}
	return newDryRun(view, command, decided.events, now), nil
}

// free is the log's check that nothing else has the id of a new user, and of the claims that a command wants.
func (u *Users) free(ctx context.Context, c eventstore.Command) error {
	if c.ExpectedVersion == 0 {
		types, err := u.log.StreamTypes(ctx, []uuid.UUID{c.StreamID})
		switch {
		case err != nil:
			return err
		case len(types) > 0:
			return domain.ErrUserExists
		}
	}
	for _, wanted := range c.Take {
		holder, held, err := u.log.Holder(ctx, wanted)
		switch {
		case err != nil:
			return err
		case held && holder != c.StreamID:
			return &eventstore.ClaimTaken{}
		}
	}
	return nil
}

// nextInstant is what the log would give a batch now.
func (u *Users) nextInstant(ctx context.Context) (time.Time, error) {
	head, err := u.log.Head(ctx)
	if earliest := head.RecordedAt.Add(time.Microsecond); head.Clock.Before(earliest) {
		return earliest, err
	}
	return head.Clock, err
}

func newDryRun(before View, command eventstore.Command, events []domain.Event, at time.Time) DryRun {
	run := DryRun{View: before}
	for i, e := range events {
		run.User = run.User.Apply(e, at)
		stored := command.Events[i]
		run.Events = append(run.Events, Draft{stored.Type, stored.SchemaVersion, run.User.Version, stored.Data})
	}
	return run
}
