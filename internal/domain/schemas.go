package domain

import "strings"

// This file is the catalogue of everything ever stored. A struct here is
// never changed once events of it exist. To change an event's shape, add the
// next version below the old one, an upcaster from old to new, and a row in
// schemas; then let newestPayload write it.
//
// Field for field, the newest version equals its event, so that one converts
// into the other and the compiler sees to it that they stay equal.

// schemas has a row for each schema version of each event type.
var schemas = map[schemaID]schema{
	{"UserCreated", 1}:        older(upcastUserCreatedV1),
	{"UserCreated", 2}:        newest(func(p userCreatedV2) Event { return UserCreated(p) }),
	{"UserEmailChanged", 1}:   newest(func(p userEmailChangedV1) Event { return UserEmailChanged(p) }),
	{"UserProfileChanged", 1}: newest(func(p userProfileChangedV1) Event { return UserProfileChanged(p) }),
	{"UserSuspended", 1}:      newest(func(p userSuspendedV1) Event { return UserSuspended(p) }),
	{"UserReactivated", 1}:    newest(func(p userReactivatedV1) Event { return UserReactivated(p) }),
	{"RoleGranted", 1}:        newest(func(p roleGrantedV1) Event { return RoleGranted(p) }),
	{"RoleRevoked", 1}:        newest(func(p roleRevokedV1) Event { return RoleRevoked(p) }),
	{"UserDeleted", 1}:        newest(func(p userDeletedV1) Event { return UserDeleted(p) }),
}

// newestPayload returns what is stored for an event, and its schema version.
func newestPayload(e Event) (payload any, version int) {
	switch e := e.(type) {
	case UserCreated:
		return userCreatedV2(e), 2
	case UserEmailChanged:
		return userEmailChangedV1(e), 1
	case UserProfileChanged:
		return userProfileChangedV1(e), 1
	case UserSuspended:
		return userSuspendedV1(e), 1
	case UserReactivated:
		return userReactivatedV1(e), 1
	case RoleGranted:
		return roleGrantedV1(e), 1
	case RoleRevoked:
		return roleRevokedV1(e), 1
	case UserDeleted:
		return userDeletedV1(e), 1
	}
	return nil, 0
}

type userCreatedV1 struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

type userCreatedV2 struct {
	Email       string `json:"email"`
	DisplayName string `json:"displayName"`
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName"`
}

// upcastUserCreatedV1 splits the name at its first space: the first word is
// the first name, the rest the last name, both without spaces around them. A
// single word is a first name. The display name is the name as it was.
func upcastUserCreatedV1(p userCreatedV1) userCreatedV2 {
	first, rest, _ := strings.Cut(strings.TrimSpace(p.Name), " ")
	return userCreatedV2{
		Email:       p.Email,
		DisplayName: p.Name,
		FirstName:   strings.TrimSpace(first),
		LastName:    strings.TrimSpace(rest),
	}
}

type userEmailChangedV1 struct {
	NewEmail string `json:"newEmail"`
}

type userProfileChangedV1 struct {
	DisplayName *string `json:"displayName,omitzero"`
	FirstName   *string `json:"firstName,omitzero"`
	LastName    *string `json:"lastName,omitzero"`
}

type userSuspendedV1 struct {
	Reason string `json:"reason"`
}

type userReactivatedV1 struct{}

type roleGrantedV1 struct {
	Role string `json:"role"`
}

type roleRevokedV1 struct {
	Role string `json:"role"`
}

type userDeletedV1 struct {
	Reason string `json:"reason,omitzero"`
}
