package feed

import (
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Event is an event as consumers see it.
type Event struct {
	Position      int64
	Source, ID    string // together its name; an event of another domain has the one that it has there
	Type          string
	SchemaVersion int
	Subject       uuid.UUID // the user whom it concerns; uuid.Nil if this build cannot tell
	Data          []byte    // JSON
	Metadata      eventstore.Metadata
	RecordedAt    time.Time
}

// ownSource names this service as the source of events. It never changes: consumers tell events apart by it.
const ownSource = "/v1/users"

func newEvents(stored []eventstore.Recorded) []Event {
	events := make([]Event, len(stored))
	for i, e := range stored {
		events[i] = newEvent(e)
	}
	return events
}

func newEvent(e eventstore.Recorded) Event {
	shown := Event{
		Position: e.Position, Source: ownSource, ID: e.ID.String(), Type: e.Type, SchemaVersion: e.SchemaVersion,
		Data: e.Data, Metadata: e.Metadata, RecordedAt: e.RecordedAt,
	}
	if e.StreamType == domain.ActivityType {
		return shown.ofAnotherDomain()
	}
	shown.Subject = e.StreamID
	if typ, schema, data, err := domain.Upcast(e.Type, e.SchemaVersion, e.Data); err == nil {
		shown.Type, shown.SchemaVersion, shown.Data = typ, schema, data
	}
	return shown
}

// ofAnotherDomain gives an event the name that it was reported under, if it can be read.
func (e Event) ofAnotherDomain() Event {
	origin, what, err := domain.DecodeActivity(e.Type, e.SchemaVersion, e.Data)
	if err != nil {
		return e
	}
	data, err := domain.ActivityData(what)
	if err != nil {
		return e
	}
	e.Source, e.ID, e.Subject, e.Data = origin.Source, origin.ID, what.Subject(), data
	return e
}
