package feed

import (
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Filter selects events; its members are combined (AND), and the zero value selects all.
type Filter struct {
	Types         []string  // none: of every type
	User          uuid.UUID // of this user, and of other domains about it
	CorrelationID uuid.UUID
	Actor         string
}

// passes says of an event that was read for all what stored has the log ask for.
func (f Filter) passes(e Event) bool {
	return (f.Types == nil || slices.Contains(f.Types, e.Type)) &&
		(f.User == uuid.Nil || f.User == e.Subject) &&
		(f.CorrelationID == uuid.Nil || f.CorrelationID == e.Metadata.CorrelationID) &&
		(f.Actor == "" || f.Actor == e.Metadata.Actor)
}

func (f Filter) stored() eventstore.Filter {
	return eventstore.Filter{Types: f.Types, StreamID: f.User, CorrelationID: f.CorrelationID, Actor: f.Actor, Members: domain.SubjectMembers}
}
