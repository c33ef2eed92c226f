package users

import (
	"errors"
	"fmt"
)

// What a caller can be told besides the errors of package domain.
var (
	ErrKeyReused      = errors.New("idempotency key was used for another request")
	ErrKeyInFlight    = errors.New("a request with this idempotency key is still running")
	ErrNotYetExisting = errors.New("the user did not exist yet")
	ErrInFuture       = errors.New("the point in time lies in the future")
	ErrNoSuchVersion  = errors.New("the user has no such version yet")
	ErrNoSuchPosition = errors.New("the log has no such position yet")
	ErrBackwards      = errors.New("the first point in time is later than the second")
	ErrUnavailable    = errors.New("nothing was changed; try again")
	ErrOutcomeUnknown = errors.New("the command may or may not have happened")
)

// PreconditionFailed says that If-Match did not match, or that a race was lost under it.
type PreconditionFailed struct{ Current int }

func (e *PreconditionFailed) Error() string {
	return fmt.Sprintf("precondition failed: the user is at version %d", e.Current)
}

// VersionConflict says that other writers won every time that the command was decided.
type VersionConflict struct{ Current int }

func (e *VersionConflict) Error() string {
	return fmt.Sprintf("version conflict: the user is at version %d", e.Current)
}
