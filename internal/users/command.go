package users

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// newCommand is what the log is to store for a request that was decided on.
func newCommand(r Request, before View, decided decision) (eventstore.Command, error) {
	c := eventstore.Command{
		StreamType: domain.StreamType, StreamID: r.UserID, ExpectedVersion: before.User.Version,
		Metadata: eventstore.Metadata(r.Cause),
	}
	after := before.User
	for i, e := range decided.events {
		stored, err := encode(e)
		if err != nil {
			return c, err
		}
		if decided.causes != nil {
			stored.CausationID = &decided.causes[i]
		}
		c.Events = append(c.Events, stored)
		after = after.Apply(e, before.User.UpdatedAt)
	}
	c.Release, c.Take = claims(before.User, after)
	if r.Key != nil {
		outcome, err := newOutcome(r.Key.Status, before.Activity)
		if err != nil {
			return c, err
		}
		c.Key = &eventstore.Key{Hash: r.Key.hash(), Fingerprint: r.Key.Fingerprint[:], Outcome: outcome}
	}
	return c, nil
}

func encode(e domain.Event) (eventstore.Event, error) {
	typ, schema, data, err := domain.Encode(e)
	if err != nil {
		return eventstore.Event{}, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	id, err := uuid.NewV7()
	return eventstore.Event{ID: id, Type: typ, SchemaVersion: schema, Data: data}, err
}

// claims are the addresses that a change of the user gives up and wants.
func claims(before, after domain.User) (release, take []eventstore.Claim) {
	from, to := before.Address(), after.Address()
	if from == to {
		return nil, nil
	}
	if from != "" {
		release = []eventstore.Claim{emailClaim(from)}
	}
	if to != "" {
		take = []eventstore.Claim{emailClaim(to)}
	}
	return release, take
}

func emailClaim(address string) eventstore.Claim {
	return eventstore.Claim{Scope: "email", Key: address}
}
