package httpapi

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/feed"
)

// cloudEvent is an event of the feed (CloudEvents 1.0, in its JSON format).
type cloudEvent struct {
	SpecVersion     string         `json:"specversion"`
	ID              string         `json:"id"`
	Source          string         `json:"source"`
	Type            string         `json:"type"`
	Subject         string         `json:"subject,omitzero"`
	Time            stamp          `json:"time"`
	DataContentType string         `json:"datacontenttype"`
	Sequence        string         `json:"sequence"`
	CorrelationID   uuid.UUID      `json:"correlationid,omitzero"`
	CausationID     *uuid.UUID     `json:"causationid,omitzero"`
	Actor           string         `json:"actor,omitzero"`
	Traceparent     string         `json:"traceparent,omitzero"`
	Data            jsontext.Value `json:"data"`
}

func newCloudEvent(e feed.Event) cloudEvent {
	shown := cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: fmt.Sprintf("usersvc.%s.v%d", e.Type, e.SchemaVersion),
		Time: stamp(e.RecordedAt), DataContentType: "application/json",
		Sequence:      fmt.Sprintf("%019d", e.Position), // the digits of the largest position: they sort like the numbers
		CorrelationID: e.Metadata.CorrelationID, CausationID: e.Metadata.CausationID,
		Actor: e.Metadata.Actor, Traceparent: e.Metadata.Traceparent, Data: e.Data,
	}
	if e.Subject != uuid.Nil {
		shown.Subject = e.Subject.String()
	}
	return shown
}
