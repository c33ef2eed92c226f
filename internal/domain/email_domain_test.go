package domain

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPlainDomainsNeedNoIDNA checks that the short way for ASCII and the way
// through IDNA agree, on refusals too.
func TestPlainDomainsNeedNoIDNA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		domain := rapid.StringMatching(`([a-zA-Z0-9.-]{1,3}|[xX][nN]-|ab--|[ _:/\[]|com){1,6}`).Draw(t, "domain")
		short, shortErr := canonicalDomain(domain)
		long, longErr := toALabels(domain)
		if longErr == nil {
			longErr = checkHost(long)
		}
		if (shortErr == nil) != (longErr == nil) || shortErr == nil && short != long {
			t.Fatalf("%q: %q, %v; through IDNA %q, %v", domain, short, shortErr, long, longErr)
		}
	})
}
