package users

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// Request is a command for one user, with what surrounds it.
type Request struct {
	UserID  uuid.UUID
	Command domain.Command
	IfMatch IfMatch
	Key     *IdempotencyKey // nil: not idempotent
	Cause   Cause
}

// Cause goes into the metadata of every event that the request leads to.
type Cause struct {
	Actor         string
	Client        string // the program that the actor used, where that is known
	Source        string // "api"
	CorrelationID uuid.UUID
	CausationID   *uuid.UUID
	Traceparent   string
	Reason        string // why, where the event itself does not say so
}

// IfMatch is what a caller believes of the user before the command. The zero value believes nothing.
type IfMatch struct {
	Exists   bool  // "*": any version of a user that exists
	Versions []int // any of these
	None     bool  // a condition that nothing can meet: only weak or foreign tags were sent
}

func (m IfMatch) given() bool { return m.Exists || m.None || len(m.Versions) > 0 }

func (m IfMatch) allows(version int) bool { return m.Exists || slices.Contains(m.Versions, version) }

// IdempotencyKey makes a request happen once for one caller.
type IdempotencyKey struct {
	Caller, Key string
	Fingerprint [32]byte // of method, path, body and If-Match
	Status      int      // what to answer again when it succeeds: kept with the key
}

// hash tells keys apart. Neither the caller nor the key is kept as it is.
func (k *IdempotencyKey) hash() []byte {
	sum := sha256.Sum256([]byte(k.Caller + "\x00" + k.Key))
	return sum[:]
}

// View is a user at one of its versions with the counters known then.
type View struct {
	User     domain.User
	Activity projections.Activity
	Position int64 // of the user's newest event shown
}

// place is that of the user's newest event.
func (v View) place() eventstore.Place {
	return eventstore.Place{Position: v.Position, RecordedAt: v.User.UpdatedAt}
}

// Result is the user after a command.
type Result struct {
	View
	Replayed bool // the key had been used before: this is the first answer again
	Status   int  // of the first answer, when Replayed
	stored   bool // there were events
}

// Current is a by-id read. ProjectionPosition says how far the counters are.
type Current struct {
	View
	ProjectionPosition int64
}

// Point is a moment in a user's past; exactly one member is set.
type Point struct {
	Time     time.Time // inclusive
	Version  int
	Position int64
}

// Moment is a user as it was, the time of the newest event shown, one that changed a counter included, and the instant that
// was asked for: for a version or a position, that time.
type Moment struct {
	View
	Newest, AsOf time.Time
}
