package main

import (
	"context"
	stdjson "encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// event is what a command adds to a log: the same bytes as the service stores.
type event struct {
	user     uuid.UUID
	address  string // canonical, to be claimed
	id       uuid.UUID
	typ      string
	schema   int
	data     []byte
	metadata []byte
}

// logged stores a command as an event.
func logged(store func(context.Context, event) (stored, error)) func(context.Context, command) (stored, error) {
	return func(ctx context.Context, c command) (stored, error) {
		e, err := newEvent(c)
		if err != nil {
			return stored{}, err
		}
		at, err := store(ctx, e)
		at.shown = map[string]any{"id": e.user, "email": e.address, "version": at.version}
		return at, err
	}
}

func newEvent(c command) (event, error) {
	var happened domain.Event = domain.UserEmailChanged{NewEmail: c.email.String()}
	if c.display != "" {
		happened = domain.UserCreated{Email: c.email.String(), DisplayName: c.display, FirstName: c.first, LastName: c.last}
	}
	typ, schema, data, err := domain.Encode(happened)
	id, errID := uuid.NewV7()
	correlation, errCorrelation := uuid.NewRandom()
	metadata, errMetadata := stdjson.Marshal(eventstore.Metadata{Actor: "anonymous", Source: "api", CorrelationID: correlation})
	return event{c.user, c.email.Canonical(), id, typ, schema, data, metadata}, errors.Join(err, errID, errCorrelation, errMetadata)
}
