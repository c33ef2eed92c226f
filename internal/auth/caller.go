package auth

import "slices"

// Caller is who a token speaks for.
type Caller struct {
	Subject  string
	ClientID string // of the program that uses the token; may be empty
	Scopes   []string
}

// Has reports whether the caller was given a scope. No scope implies another.
func (c Caller) Has(scope string) bool { return slices.Contains(c.Scopes, scope) }
