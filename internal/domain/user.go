package domain

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// StreamType is the type of the streams that hold users' events. A stream's
// id is the user's.
const StreamType = "user"

// Status says what may be done with a user.
type Status string

// The states of a user.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Deleted   Status = "deleted" // for good; its history stays
)

// User is one user after the newest event applied. Copying it is safe: Roles
// is replaced on change, never written to.
type User struct {
	ID                               uuid.UUID
	Email                            string // as given; Address has the form that is compared
	DisplayName, FirstName, LastName string
	Status                           Status
	SuspendedAt                      time.Time // zero unless suspended
	SuspensionReason                 string    // empty unless suspended
	Roles                            []string  // sorted, each once
	Version                          int       // counts the user's own events; 0 before the first
	CreatedAt, UpdatedAt             time.Time
}

// NewUser returns the user before its first event. Folds start here, because
// UserCreated does not carry the id: it is that of the stream.
func NewUser(id uuid.UUID) User { return User{ID: id} }

// Apply returns the user after e, which was recorded at that time. It is
// total: a fact cannot be refused.
func (u User) Apply(e Event, at time.Time) User {
	u.Version++
	u.UpdatedAt = at
	e.apply(&u, at)
	return u
}

// Alive returns ErrUserNotFound before the first event, ErrUserDeleted after
// the last one, and nil in between.
func (u User) Alive() error {
	switch {
	case u.Version == 0:
		return ErrUserNotFound
	case u.Status == Deleted:
		return ErrUserDeleted
	}
	return nil
}

// Address returns the canonical e-mail address that the user holds against
// all others, or "" when it holds none because it does not exist or is
// deleted.
func (u User) Address() string {
	if u.Alive() != nil {
		return ""
	}
	return CanonicalEmail(u.Email)
}

// active is Alive, and ErrUserSuspended for a suspended user.
func (u User) active() error {
	if err := u.Alive(); err != nil {
		return err
	}
	if u.Status == Suspended {
		return ErrUserSuspended
	}
	return nil
}

func (u User) hasRole(role string) bool {
	_, held := slices.BinarySearch(u.Roles, role)
	return held
}
