package activity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// keep waits for a lane and hands commands to the log.
func (in *Intake) keep(ctx context.Context, commands []eventstore.Command) []error {
	select {
	case in.lanes <- struct{}{}:
		defer func() { <-in.lanes }()
	case <-ctx.Done():
		return slices.Repeat([]error{fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())}, len(commands))
	}
	return in.append(ctx, commands)
}

// append says what became of each command. Two of one name are settled by the log, too: the second finds the
// stream begun.
func (in *Intake) append(ctx context.Context, commands []eventstore.Command) []error {
	errs := in.log.AppendAll(ctx, commands)
	var begun []int // the commands that found their streams so
	for i, err := range errs {
		if errs[i] = outward(err); errors.Is(errs[i], ErrDuplicate) {
			begun = append(begun, i)
		}
	}
	if begun != nil {
		in.evade(ctx, commands, begun, errs)
	}
	return errs
}

// evade tells duplicates from events whose streams cannot begin because users have their ids, and appends these under
// the next ones. No stream ever ends, so whoever sends them again comes to the same.
func (in *Intake) evade(ctx context.Context, commands []eventstore.Command, begun []int, errs []error) {
	ids := make([]uuid.UUID, len(begun))
	for n, i := range begun {
		ids[n] = commands[i].StreamID
	}
	types, err := in.log.StreamTypes(ctx, ids)
	var moved []eventstore.Command
	var places []int // of those among all
	for _, i := range begun {
		c := commands[i]
		switch {
		case err != nil:
			errs[i] = outward(err)
		case types[c.StreamID] == domain.StreamType:
			c.StreamID = domain.NextStreamID(c.StreamID)
			moved, places = append(moved, c), append(places, i)
		}
	}
	if moved == nil {
		return
	}
	for n, err := range in.append(ctx, moved) {
		errs[places[n]] = err
	}
}

// outward turns what the log says into what a caller is told.
func outward(err error) error {
	var begun *eventstore.VersionConflict
	switch {
	case errors.As(err, &begun):
		return ErrDuplicate
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	case errors.Is(err, eventstore.ErrUnavailable):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
