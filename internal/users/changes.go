package users

import (
	"slices"
	"time"

	"github.com/usersvc/usersvc/internal/domain"
)

// Change is one member of the user before and after. From and To are string, []string, time.Time or, for
// a counter, int; or nil for what is null in the user's JSON and for what was not there before the first event.
type Change struct {
	Field    string // the member's name in the API: "email", "roles", …
	From, To any
}

// changes lists the members that differ, in the order in which the user shows them.
func changes(before, after domain.User) []Change {
	list := make([]Change, 0, 4)
	was, is := members(before), members(after)
	for i, m := range is {
		if !same(was[i].value, m.value) {
			list = append(list, Change{m.name, was[i].value, m.value})
		}
	}
	return list
}

type member struct {
	name  string
	value any
}

// members are those that events change; version and times of change belong to the entry itself.
func members(u domain.User) []member {
	m := []member{
		{"email", u.Email}, {"displayName", u.DisplayName}, {"firstName", u.FirstName}, {"lastName", u.LastName},
		{"status", string(u.Status)}, {"suspendedAt", nil}, {"suspensionReason", nil}, {"roles", slices.Concat([]string{}, u.Roles)},
	}
	if u.Status == domain.Suspended {
		m[5].value, m[6].value = u.SuspendedAt, u.SuspensionReason
	}
	if u.Version == 0 {
		for i := range m[:5] {
			m[i].value = nil
		}
	}
	return m
}

func same(a, b any) bool {
	switch a := a.(type) {
	case []string:
		b, ok := b.([]string)
		return ok && slices.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return a == b
}
