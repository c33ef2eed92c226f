package domain

import (
	"slices"
	"time"
)

// Event is an immutable fact about one user. The set is closed: the events
// are those in this file. Their stored form is in schemas.go.
type Event interface {
	Type() string
	apply(*User, time.Time)
}

// UserCreated is the first event of every user.
type UserCreated struct {
	Email, DisplayName, FirstName, LastName string
}

// Type returns "UserCreated".
func (UserCreated) Type() string { return "UserCreated" }

func (e UserCreated) apply(u *User, at time.Time) {
	u.Email = e.Email
	u.DisplayName, u.FirstName, u.LastName = e.DisplayName, e.FirstName, e.LastName
	u.Status = Active
	u.CreatedAt = at
}

// UserEmailChanged carries the new address as it was given.
type UserEmailChanged struct {
	NewEmail string
}

// Type returns "UserEmailChanged".
func (UserEmailChanged) Type() string { return "UserEmailChanged" }

func (e UserEmailChanged) apply(u *User, _ time.Time) { u.Email = e.NewEmail }

// UserProfileChanged carries the members that differ from what they were; the
// others are nil.
type UserProfileChanged struct {
	DisplayName, FirstName, LastName *string
}

// Type returns "UserProfileChanged".
func (UserProfileChanged) Type() string { return "UserProfileChanged" }

func (e UserProfileChanged) apply(u *User, _ time.Time) {
	set(&u.DisplayName, e.DisplayName)
	set(&u.FirstName, e.FirstName)
	set(&u.LastName, e.LastName)
}

func set(member, value *string) {
	if value != nil {
		*member = *value
	}
}

// UserSuspended takes the user out of use until it is reactivated.
type UserSuspended struct {
	Reason string
}

// Type returns "UserSuspended".
func (UserSuspended) Type() string { return "UserSuspended" }

func (e UserSuspended) apply(u *User, at time.Time) {
	u.Status = Suspended
	u.SuspendedAt, u.SuspensionReason = at, e.Reason
}

// UserReactivated ends a suspension.
type UserReactivated struct{}

// Type returns "UserReactivated".
func (UserReactivated) Type() string { return "UserReactivated" }

func (UserReactivated) apply(u *User, _ time.Time) {
	u.Status = Active
	u.SuspendedAt, u.SuspensionReason = time.Time{}, ""
}

// RoleGranted gives the user a role.
type RoleGranted struct {
	Role string
}

// Type returns "RoleGranted".
func (RoleGranted) Type() string { return "RoleGranted" }

func (e RoleGranted) apply(u *User, _ time.Time) {
	if i, held := slices.BinarySearch(u.Roles, e.Role); !held {
		u.Roles = slices.Concat(u.Roles[:i], []string{e.Role}, u.Roles[i:])
	}
}

// RoleRevoked takes a role from the user.
type RoleRevoked struct {
	Role string
}

// Type returns "RoleRevoked".
func (RoleRevoked) Type() string { return "RoleRevoked" }

func (e RoleRevoked) apply(u *User, _ time.Time) {
	if i, held := slices.BinarySearch(u.Roles, e.Role); held {
		u.Roles = slices.Concat(u.Roles[:i], u.Roles[i+1:])
	}
}

// UserDeleted is the last event of a user. Names, roles and the address stay
// readable; the address is free for others.
type UserDeleted struct {
	Reason string // may be empty
}

// Type returns "UserDeleted".
func (UserDeleted) Type() string { return "UserDeleted" }

func (UserDeleted) apply(u *User, _ time.Time) {
	u.Status = Deleted
	u.SuspendedAt, u.SuspensionReason = time.Time{}, ""
}
