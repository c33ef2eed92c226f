package users

import (
	"errors"
	"reflect"
	"time"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Observer is told what becomes of commands and what loads cost, by functions that must not block.
type Observer struct {
	// Executed is told each command once, by its type, such as ChangeEmail, and one of the outcomes below.
	Executed func(command, outcome string)
	// Redecided is told of each race that was lost and made up for.
	Redecided func()
	Loaded    func(Replay)
}

// The outcomes of a command.
const (
	Stored       = "stored"
	Unchanged    = "unchanged"    // there was nothing to do
	Replayed     = "replayed"     // its key had been used: the first answer again
	Refused      = "refused"      // by a rule
	Precondition = "precondition" // the caller had seen another version
	Conflict     = "conflict"     // too many races were lost
	KeyRefused   = "key_refused"  // its key belongs to another request, or to one under way
	Unavailable  = "unavailable"  // nothing was changed
	Unknown      = "unknown"      // nobody can tell yet
	Failed       = "failed"       // by a fault of the service
)

// Replay is what it took to make a user from the log.
type Replay struct {
	Events   int
	Snapshot time.Time // of the newest event in the snapshot that it began with; zero: there was none
	Took     time.Duration
}

// Observe is to be called before the first command.
func (u *Users) Observe(o Observer) { u.observer = o }

func ignored() Observer {
	return Observer{Executed: func(string, string) {}, Redecided: func() {}, Loaded: func(Replay) {}}
}

func nameOf(c domain.Command) string { return reflect.TypeOf(c).Name() }

func outcomeOf(result Result, err error) string {
	var rule *domain.Error
	var precondition *PreconditionFailed
	var conflict *VersionConflict
	switch {
	case err == nil && result.Replayed:
		return Replayed
	case err == nil && result.stored:
		return Stored
	case err == nil:
		return Unchanged
	case errors.As(err, &rule):
		return Refused
	case errors.As(err, &precondition):
		return Precondition
	case errors.As(err, &conflict):
		return Conflict
	case errors.Is(err, ErrKeyReused), errors.Is(err, ErrKeyInFlight):
		return KeyRefused
	case errors.Is(err, ErrOutcomeUnknown):
		return Unknown
	case errors.Is(err, ErrUnavailable):
		return Unavailable
	}
	return Failed
}

// add counts what one load brought.
func (r *Replay) add(l eventstore.Loaded) {
	r.Events += len(l.Events)
	if l.Snapshot != nil {
		r.Snapshot = l.Snapshot.RecordedAt
	}
}
