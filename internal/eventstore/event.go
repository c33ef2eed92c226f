package eventstore

import (
	"time"

	"github.com/google/uuid"
)

// Event is a fact about to be appended. Its id is chosen here, before the first attempt, and settles
// what became of an attempt that nobody heard back from. UUIDv7 keeps the index on ids append-only.
type Event struct {
	ID            uuid.UUID
	Type          string
	SchemaVersion int
	Data          []byte     // JSON
	CausationID   *uuid.UUID // in place of the one in the command's metadata; nil: that one
}

// Metadata says who caused an event and by what. It is stored with the event and never folded.
type Metadata struct {
	Actor         string     `json:"actor"`
	Client        string     `json:"client,omitempty"`
	Source        string     `json:"source"` // "api", "import", …
	CorrelationID uuid.UUID  `json:"correlationId"`
	CausationID   *uuid.UUID `json:"causationId,omitempty"`
	Traceparent   string     `json:"traceparent,omitempty"`
	Reason        string     `json:"reason,omitempty"` // where the event itself has no room for one
}

// Recorded is an event of the log.
type Recorded struct {
	Position      int64 // in the whole log, from 1
	ID            uuid.UUID
	StreamType    string
	StreamID      uuid.UUID
	Version       int // in its stream, from 1
	Type          string
	SchemaVersion int
	Data          []byte   // JSON, as stored
	Metadata      Metadata // zero where a read leaves it out
	RecordedAt    time.Time
}

// Claim is a value that at most one stream may hold, checked within the append.
type Claim struct{ Scope, Key string }

// Key makes a command happen once however often it is sent.
type Key struct {
	Hash        []byte // of the caller and the key that it chose
	Fingerprint []byte // of the request
	Outcome     []byte // JSON: what the caller needs to answer again and the log does not know
}

// Record is what the log remembers of a keyed command.
type Record struct {
	Fingerprint []byte
	StreamID    uuid.UUID
	Version     int   // of the stream after the command
	Position    int64 // of the stream's newest event then
	Outcome     []byte
	RecordedAt  time.Time
}

// Command is one atomic addition to one stream: all of it is stored, or nothing is.
// A Command without events is worth appending only for its Key.
type Command struct {
	StreamType      string
	StreamID        uuid.UUID
	ExpectedVersion int // of the stream before; 0 for a new one
	Events          []Event
	Metadata        Metadata
	Release, Take   []Claim
	Key             *Key
}

func (c *Command) metadataOf(e Event) Metadata {
	m := c.Metadata
	if e.CausationID != nil {
		m.CausationID = e.CausationID
	}
	return m
}

// Appended is where a command landed. Replayed is set when its key had been used before: nothing was
// added then, and the other members are those of the first time.
type Appended struct {
	Version    int // of the stream now
	Position   int64
	RecordedAt time.Time
	Replayed   *Record
}
