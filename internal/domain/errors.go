package domain

import "fmt"

// Kind sorts errors by what the caller can do about them.
type Kind int

// The kinds of errors.
const (
	Invalid  Kind = iota + 1 // a value breaks a rule; send another one
	NotFound                 // there never was such a user
	Gone                     // the user is deleted
	Conflict                 // the value is fine, the user's state is not
)

// Error says which rule said no. Its texts never contain the value at fault
// or anything about another user, so they may be shown and logged.
type Error struct {
	Kind    Kind
	Code    string // stable, snake_case: what programs switch on
	Message string // one sentence for people
	Field   string // the JSON member at fault; only for Invalid
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The rules about a user's state. Compare with errors.Is.
var (
	ErrUserNotFound     = &Error{Kind: NotFound, Code: "user_not_found", Message: "There is no user with this id."}
	ErrUserDeleted      = &Error{Kind: Gone, Code: "user_deleted", Message: "The user is deleted."}
	ErrUserExists       = &Error{Kind: Conflict, Code: "user_exists", Message: "A user with this id exists or existed."}
	ErrAlreadySuspended = &Error{Kind: Conflict, Code: "already_suspended", Message: "The user is suspended already."}
	ErrNotSuspended     = &Error{Kind: Conflict, Code: "not_suspended", Message: "The user is not suspended."}
	ErrUserSuspended    = &Error{Kind: Conflict, Code: "user_suspended", Message: "The user is suspended and cannot be changed in this way."}
	ErrTooManyRoles     = &Error{Kind: Conflict, Code: "too_many_roles", Message: fmt.Sprintf("A user has at most %d roles.", maxRoles)}
	// ErrEmailTaken is the one rule that is decided in the log, not here.
	ErrEmailTaken = &Error{Kind: Conflict, Code: "email_taken", Message: "Another user has this e-mail address."}
)

// The codes of Invalid errors.
const (
	codeRequired         = "required"
	codeTooLong          = "too_long"
	codeControlCharacter = "control_character"
	codeInvalidUTF8      = "invalid_utf8"
	codeInvalidEmail     = "invalid_email"
	codeInvalidRole      = "invalid_role"
	codeInvalidVersion   = "invalid_version"
	codeNoSuchVersion    = "no_such_version"
	codeUnknownField     = "unknown_field"
	codeRepeated         = "repeated"
	codeOutdated         = "outdated"
)

func invalid(field, code, message string) *Error {
	return &Error{Kind: Invalid, Code: code, Message: message, Field: field}
}

func required(field string) *Error {
	return invalid(field, codeRequired, field+" must not be empty.")
}

func tooLong(field string, limit int) *Error {
	return invalid(field, codeTooLong, fmt.Sprintf("%s must have at most %d characters.", field, limit))
}
