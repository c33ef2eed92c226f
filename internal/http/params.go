package httpapi

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// query is a query string in which every parameter is known and given once.
type query map[string]string

func parseQuery(raw string, known []string) (query, error) {
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &problem{code: "invalid_parameter", detail: "The query string is not encoded as one should be."}
	}
	q := make(query, len(values))
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			return nil, invalidParameter(clipped(name), "is not a parameter of this request.")
		case len(given) > 1:
			return nil, invalidParameter(name, "must be given once.")
		case !isText(given[0]):
			return nil, invalidParameter(name, "must be UTF-8 without U+0000.")
		}
		q[name] = given[0]
	}
	return q, nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// clipped keeps what a client made up from filling the answer, and fit for JSON.
func clipped(s string) string {
	const longest = 64
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

// number reads a whole number between two bounds into n, which stays as it is when none is given.
func number[N int | int64](q query, name string, n *N, least, most N) error {
	s, given := q[name]
	if !given {
		return nil
	}
	v, err := strconv.ParseUint(s, 10, 63) // takes no sign
	if err != nil || v > uint64(most) || N(v) < least {
		return invalidParameter(name, fmt.Sprintf("must be a whole number from %d to %d.", least, most))
	}
	*n = N(v)
	return nil
}

// The parser of the standard library also takes single digits, a comma, and offsets of 24 hours or with 60 minutes.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// instant reads a time into t, to the microsecond that the log has.
func (q query) instant(name string, t *time.Time) error {
	s, given := q[name]
	if !given {
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil || !rfc3339.MatchString(s) {
		if strings.Contains(s, " ") {
			return invalidParameter(name, "has a space where a + was meant: write %2B.")
		}
		return invalidParameter(name, "must be a time as in RFC 3339, such as 2026-11-22T10:00:00.000000Z.")
	}
	*t = parsed.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return invalidParameter(name, "must lie in the years 0001 to 9999.")
	}
	if t.IsZero() {
		*t = t.Add(time.Microsecond) // the zero time means "none" to those who get it
	}
	return nil
}

// choice reads one of a few words into s.
func (q query) choice(name string, s *string, words ...string) error {
	v, given := q[name]
	if !given {
		return nil
	}
	if !slices.Contains(words, v) {
		return invalidParameter(name, "must be one of "+strings.Join(words, ", ")+".")
	}
	*s = v
	return nil
}
