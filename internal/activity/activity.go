package activity

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// What became of an event that was not kept now.
var (
	// ErrDuplicate says that an event with this source and id was kept before.
	ErrDuplicate = errors.New("an event with this source and id was kept before")
	// ErrUnavailable says that the event was not kept. It may be sent again.
	ErrUnavailable = errors.New("the event was not kept; try again")
	// ErrOutcomeUnknown says that the event may or may not be kept. It may be sent again, too.
	ErrOutcomeUnknown = errors.New("the event may or may not be kept")
)

// Event is an event as its domain reported it.
type Event struct {
	Origin domain.Origin
	What   domain.Activity
}

// Cause goes into the metadata of the events: who sent them, and by what.
type Cause eventstore.Metadata

const (
	// As many as the log commits at once.
	together = 256
	// Of all requests, so many times as many are on their way: while some are committed, the next gather.
	// A command on a user waits behind no more than these.
	lanes = 2
)

// Intake takes events in.
type Intake struct {
	log   *eventstore.Log
	lanes chan struct{} // holds a token for each that is in use
}

// New takes events into a log.
func New(log *eventstore.Log) *Intake {
	return &Intake{log: log, lanes: make(chan struct{}, lanes)}
}

// Take keeps events, and says of each what became of it: nil, one of the errors above, or what the log
// refused it for. Err is of an event that cannot be stored at all; nothing was kept then.
func (in *Intake) Take(ctx context.Context, cause Cause, events []Event) (results []error, err error) {
	commands := make([]eventstore.Command, len(events))
	for i, e := range events {
		if commands[i], err = newCommand(cause, e); err != nil {
			return nil, err
		}
	}
	var late error // why nothing more may be handed to the log
	for some := range slices.Chunk(commands, together) {
		if late != nil {
			results = append(results, slices.Repeat([]error{late}, len(some))...)
			continue
		}
		results = append(results, in.keep(ctx, some)...)
		if last := results[len(results)-1]; errors.Is(last, ErrUnavailable) {
			late = last
		}
	}
	return results, nil
}

func newCommand(cause Cause, e Event) (eventstore.Command, error) {
	typ, schema, data, err := domain.EncodeActivity(e.Origin, e.What)
	if err != nil {
		return eventstore.Command{}, err
	}
	id, err := uuid.NewV7()
	return eventstore.Command{
		StreamType: domain.ActivityType, StreamID: e.Origin.StreamID(), Metadata: eventstore.Metadata(cause),
		Events: []eventstore.Event{{ID: id, Type: typ, SchemaVersion: schema, Data: data}},
	}, err
}
