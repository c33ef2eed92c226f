package domain

import (
	"fmt"
	"io"
	"strings"
)

const (
	maxLocalPart = 64  // RFC 5321 §4.5.3.1.1
	maxCanonical = 254 // RFC 5321 §4.5.3.1.3: a path of 256 octets less its brackets
	// maxGiven bounds the work on an address before it is understood. A
	// character takes up to four octets in UTF-8 and at least one in A-labels.
	maxGiven = 4 * maxCanonical
)

// Email is a checked address: as it was given, to be shown and written to,
// and in canonical form, to be compared.
type Email struct{ given, canonical string }

// String returns the address as it was given.
func (e Email) String() string { return e.given }

// Format keeps the address out of whatever is printed without asking for it: logs, errors, dumps of a struct.
func (e Email) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[e-mail address]") }

// Canonical returns the address in ASCII, in lower case, with the domain as
// A-labels. Two spellings of one address have the same canonical form. It is
// a valid address itself, and its own canonical form.
func (e Email) Canonical() string { return e.canonical }

// ParseEmail accepts an address with an ASCII local part (RFC 5321
// dot-string) and a domain of two labels or more that IDNA can look up. It is
// not trimmed. "+tag" and dots in the local part distinguish addresses.
//
// Refused are, among others: quoted local parts, IP literals, trailing dots,
// control, format and zero-width characters, characters that IDNA would
// change in more than case and NFC, and labels of mixed scripts. A label that
// looks like another but is in one script throughout is not recognised.
func ParseEmail(s string) (Email, error) {
	canonical, err := canonicalise(s)
	if err != nil {
		return Email{}, err
	}
	return Email{given: s, canonical: canonical}, nil
}

// CanonicalEmail returns the canonical form of an address from the log. One
// that today's rules refuse is compared by its bytes, ASCII letters without
// case. That form is never the canonical form of an acceptable address.
func CanonicalEmail(stored string) string {
	canonical, err := canonicalise(stored)
	if err != nil {
		return strings.Map(lowerASCII, stored)
	}
	return canonical
}

func canonicalise(address string) (string, error) {
	switch {
	case address == "":
		return "", required("email")
	case len(address) > maxGiven:
		return "", addressTooLong("An address", maxGiven)
	}
	local, domain, found := strings.Cut(address, "@")
	if !found {
		return "", invalidEmail("An address must have an @.")
	}
	if err := checkLocalPart(local); err != nil {
		return "", err
	}
	host, err := canonicalDomain(domain)
	if err != nil {
		return "", err
	}
	canonical := strings.ToLower(local) + "@" + host
	if len(canonical) > maxCanonical {
		return "", addressTooLong("An address, its domain in ASCII,", maxCanonical)
	}
	return canonical, nil
}

// checkLocalPart leaves nothing but ASCII.
func checkLocalPart(local string) error {
	if len(local) > maxLocalPart {
		return addressTooLong("The part before the @", maxLocalPart)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, isNotAtext) {
			return invalidEmail("The part before the @ must be ASCII letters, digits and !#$%&'*+-/=?^_`{|}~, with single dots between them.")
		}
	}
	return nil
}

func isNotAtext(r rune) bool {
	return !isLetterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

func isLetterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}

func invalidEmail(message string) *Error { return invalid("email", codeInvalidEmail, message) }

func addressTooLong(what string, limit int) *Error {
	return invalid("email", codeTooLong, fmt.Sprintf("%s must have at most %d octets.", what, limit))
}
