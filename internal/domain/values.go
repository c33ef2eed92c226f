package domain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A character is a Unicode code point, counted after trimming and NFC.
const (
	maxDisplayName = 200
	maxName        = 100
	maxReason      = 500
)

// Name is a display, first or last name: trimmed, in NFC, on one line. Only
// control characters (category Cc) are refused. Format characters are not:
// joiners are part of the spelling in several scripts.
type Name string

// Reason says why something was done. It is trimmed and in NFC, and may have
// tabs and line feeds, but no other control characters.
type Reason string

// Role is the name of a right that other programs give a meaning to.
type Role string

// ParseDisplayName accepts 1 to 200 characters.
func ParseDisplayName(s string) (Name, error) {
	clean, err := parseText("displayName", s, 1, maxDisplayName, unicode.IsControl)
	return Name(clean), err
}

// ParseFirstName accepts up to 100 characters.
func ParseFirstName(s string) (Name, error) {
	clean, err := parseText("firstName", s, 0, maxName, unicode.IsControl)
	return Name(clean), err
}

// ParseLastName accepts up to 100 characters.
func ParseLastName(s string) (Name, error) {
	clean, err := parseText("lastName", s, 0, maxName, unicode.IsControl)
	return Name(clean), err
}

// ParseReason accepts 1 to 500 characters.
func ParseReason(s string) (Reason, error) {
	clean, err := parseText("reason", s, 1, maxReason, isControlInText)
	return Reason(clean), err
}

func isControlInText(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// parseText trims white space as Unicode defines it, which takes line breaks
// at the ends with it. Beside NFC, x/text puts a grapheme joiner after each 30
// combining marks in a row (Stream-Safe Text Format).
func parseText(field, s string, shortest, longest int, forbidden func(rune) bool) (string, error) {
	if !utf8.ValidString(s) {
		return "", invalid(field, codeInvalidUTF8, field+" must be valid UTF-8.")
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	switch length := utf8.RuneCountInString(s); {
	case length < shortest:
		return "", required(field)
	case length > longest:
		return "", tooLong(field, longest)
	case strings.ContainsFunc(s, forbidden):
		return "", invalid(field, codeControlCharacter, field+" must not contain control characters.")
	}
	return s, nil
}

const rolePattern = `^[a-z][a-z0-9_.:-]{0,63}$`

var (
	roleRegexp     = regexp.MustCompile(rolePattern)
	errInvalidRole = invalid("role", codeInvalidRole, "A role must match "+rolePattern+".")
)

// ParseRole accepts a lower-case letter and up to 63 more letters, digits or
// characters of "_.:-". A role is an identifier, so it is not trimmed.
func ParseRole(s string) (Role, error) {
	if !roleRegexp.MatchString(s) {
		return "", errInvalidRole
	}
	return Role(s), nil
}
