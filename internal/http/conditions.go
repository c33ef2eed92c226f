package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/usersvc/usersvc/internal/users"
)

// etag is the strong tag of a user: its version, and the position of the newest event of other
// domains that changed its counters.
func etag(v users.View) string {
	return `"` + strconv.Itoa(v.User.Version) + "." + strconv.FormatInt(v.Activity.Position, 10) + `"`
}

// tag is an entity tag as in RFC 9110 §8.8.3.
type tag struct {
	weak   bool
	opaque string // without its quotes
}

// parseTags reads a header that lists tags, or "*".
func parseTags(h http.Header, name string) (tags []tag, star bool, err error) {
	rest := strings.Trim(strings.Join(h[name], ","), " \t")
	if rest == "*" {
		return nil, true, nil
	}
	for rest != "" {
		var t tag
		if t, rest, err = nextTag(rest); err != nil {
			return nil, false, invalidParameter(name, `must be * or a list of entity tags, such as "3.0".`)
		}
		tags = append(tags, t)
	}
	if tags == nil {
		return nil, false, invalidParameter(name, "must not be empty.")
	}
	return tags, false, nil
}

// nextTag cuts the first tag off a list, with the commas and blanks that follow it.
func nextTag(list string) (t tag, rest string, err error) {
	list, t.weak = strings.CutPrefix(list, "W/")
	list, quoted := strings.CutPrefix(list, `"`)
	opaque, rest, closed := strings.Cut(list, `"`)
	after := strings.TrimLeft(rest, " \t")
	if !quoted || !closed || strings.ContainsFunc(opaque, notInTag) || after != "" && after[0] != ',' {
		return t, "", strconv.ErrSyntax
	}
	t.opaque = opaque
	return t, strings.TrimLeft(after, ", \t"), nil
}

func notInTag(c rune) bool { return c <= ' ' || c == 0x7f }

// ifMatch reads what the caller believes. It compares versions alone: a new follower must not fail a
// change of address.
func ifMatch(h http.Header) (users.IfMatch, error) {
	if len(h["If-Match"]) == 0 {
		return users.IfMatch{}, nil
	}
	tags, star, err := parseTags(h, "If-Match")
	if err != nil {
		return users.IfMatch{}, err
	}
	wanted := users.IfMatch{Exists: star}
	for _, t := range tags {
		version, err := t.version()
		if err != nil {
			return wanted, invalidParameter("If-Match", `must have tags of this service, such as "3.0".`)
		}
		if !t.weak { // a weak tag matches nothing, as RFC 9110 §13.1.1 has it
			wanted.Versions = append(wanted.Versions, version)
		}
	}
	wanted.None = !star && wanted.Versions == nil
	return wanted, nil
}

// version is the part before the dot; a tag may also be that alone.
func (t tag) version() (int, error) {
	version, activity, dotted := strings.Cut(t.opaque, ".")
	if dotted {
		if _, err := strconv.ParseUint(activity, 10, 63); err != nil {
			return 0, err
		}
	}
	v, err := strconv.ParseUint(version, 10, 63)
	return int(v), err
}

// noneMatch reads what the caller has already and returns what tells whether that is the current tag.
// RFC 9110 §13.1.2 compares weakly here: a proxy that compresses may have made our tag weak.
func noneMatch(h http.Header) (func(current string) bool, error) {
	if len(h["If-None-Match"]) == 0 {
		return func(string) bool { return false }, nil
	}
	tags, star, err := parseTags(h, "If-None-Match")
	return func(current string) bool {
		return star || slices.ContainsFunc(tags, func(t tag) bool { return `"`+t.opaque+`"` == current })
	}, err
}
