package domain

import (
	"strings"
	"unicode/utf8"
)

// maxRoles bounds the size of a user.
const maxRoles = 100

// Command decides which events a request causes, given the user as it is now.
// No events means there is nothing to change; an error means a rule said no.
//
// Bad values are named before anything about the user's state. All commands
// but CreateUser answer ErrUserNotFound and ErrUserDeleted.
type Command interface {
	Decide(User) ([]Event, error)
}

// CreateUser makes a user. Without DisplayName it becomes both names joined
// by a space. An id that is or was in use is ErrUserExists.
type CreateUser struct {
	Email                            Email
	DisplayName, FirstName, LastName Name
}

// Decide returns UserCreated.
func (c CreateUser) Decide(u User) ([]Event, error) {
	if c.Email == (Email{}) {
		return nil, required("email")
	}
	displayName, err := c.displayName()
	if err != nil {
		return nil, err
	}
	if u.Version > 0 {
		return nil, ErrUserExists
	}
	return []Event{UserCreated{
		Email:       c.Email.String(),
		DisplayName: displayName,
		FirstName:   string(c.FirstName),
		LastName:    string(c.LastName),
	}}, nil
}

func (c CreateUser) displayName() (string, error) {
	if c.DisplayName != "" {
		return string(c.DisplayName), nil
	}
	joined := strings.TrimSpace(string(c.FirstName + " " + c.LastName))
	if joined == "" {
		return "", required("displayName")
	}
	// Two names of 100 and the space between them are one too many.
	if utf8.RuneCountInString(joined) > maxDisplayName {
		return "", tooLong("displayName", maxDisplayName)
	}
	return joined, nil
}

// ChangeEmail gives an active user another address, or another spelling of
// the same.
type ChangeEmail struct {
	Email Email
}

// Decide returns UserEmailChanged, or nothing for the address byte for byte.
func (c ChangeEmail) Decide(u User) ([]Event, error) {
	if c.Email == (Email{}) {
		return nil, required("email")
	}
	if err := u.active(); err != nil {
		return nil, err
	}
	if u.Email == c.Email.String() {
		return nil, nil
	}
	return []Event{UserEmailChanged{NewEmail: c.Email.String()}}, nil
}

// ChangeProfile gives an active user other names. Members that are nil stay
// as they are.
type ChangeProfile struct {
	DisplayName, FirstName, LastName *Name
}

// Decide returns UserProfileChanged with the members that differ, if any.
func (c ChangeProfile) Decide(u User) ([]Event, error) {
	if c.DisplayName != nil && *c.DisplayName == "" {
		return nil, required("displayName")
	}
	if err := u.active(); err != nil {
		return nil, err
	}
	e := UserProfileChanged{
		DisplayName: ifDifferent(c.DisplayName, u.DisplayName),
		FirstName:   ifDifferent(c.FirstName, u.FirstName),
		LastName:    ifDifferent(c.LastName, u.LastName),
	}
	if e == (UserProfileChanged{}) {
		return nil, nil
	}
	return []Event{e}, nil
}

func ifDifferent(wanted *Name, current string) *string {
	if wanted == nil || string(*wanted) == current {
		return nil
	}
	value := string(*wanted)
	return &value
}

// Suspend takes an active user out of use. Of a suspended one it is
// ErrAlreadySuspended: two reasons cannot both be right.
type Suspend struct {
	Reason Reason
}

// Decide returns UserSuspended.
func (c Suspend) Decide(u User) ([]Event, error) {
	if c.Reason == "" {
		return nil, required("reason")
	}
	if err := u.Alive(); err != nil {
		return nil, err
	}
	if u.Status == Suspended {
		return nil, ErrAlreadySuspended
	}
	return []Event{UserSuspended{Reason: string(c.Reason)}}, nil
}

// Reactivate ends a suspension. Of an active user it is ErrNotSuspended.
type Reactivate struct{}

// Decide returns UserReactivated.
func (Reactivate) Decide(u User) ([]Event, error) {
	if err := u.Alive(); err != nil {
		return nil, err
	}
	if u.Status != Suspended {
		return nil, ErrNotSuspended
	}
	return []Event{UserReactivated{}}, nil
}

// GrantRole gives an active user a role.
type GrantRole struct {
	Role Role
}

// Decide returns RoleGranted, or nothing for a role that is held already.
func (c GrantRole) Decide(u User) ([]Event, error) {
	if c.Role == "" {
		return nil, errInvalidRole
	}
	if err := u.active(); err != nil {
		return nil, err
	}
	if u.hasRole(string(c.Role)) {
		return nil, nil
	}
	if len(u.Roles) >= maxRoles {
		return nil, ErrTooManyRoles
	}
	return []Event{RoleGranted{Role: string(c.Role)}}, nil
}

// RevokeRole takes a role from a user. It works on suspended users too: they
// are those whose rights one wants to take.
type RevokeRole struct {
	Role Role
}

// Decide returns RoleRevoked, or nothing for a role that is not held.
func (c RevokeRole) Decide(u User) ([]Event, error) {
	if c.Role == "" {
		return nil, errInvalidRole
	}
	if err := u.Alive(); err != nil {
		return nil, err
	}
	if !u.hasRole(string(c.Role)) {
		return nil, nil
	}
	return []Event{RoleRevoked{Role: string(c.Role)}}, nil
}

// DeleteUser ends a user, suspended or not.
type DeleteUser struct {
	Reason Reason // optional
}

// Decide returns UserDeleted.
func (c DeleteUser) Decide(u User) ([]Event, error) {
	if err := u.Alive(); err != nil {
		return nil, err
	}
	return []Event{UserDeleted{Reason: string(c.Reason)}}, nil
}
