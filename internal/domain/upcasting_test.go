package domain

import (
	"maps"
	"strings"
	"testing"
)

func TestUpcastersAreComplete(t *testing.T) {
	if err := CheckUpcasters(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckUpcastersFindsGaps(t *testing.T) {
	first, second, third := schemaID{"UserCreated", 1}, schemaID{"UserCreated", 2}, schemaID{"UserCreated", 3}
	for _, c := range []struct {
		name string
		gap  func(map[schemaID]schema)
		want string
	}{
		{"the first version is missing", func(s map[schemaID]schema) { delete(s, first) },
			"UserCreated v1 is missing before UserCreated v2"},
		{"the newest version is missing", func(s map[schemaID]schema) { delete(s, second) },
			"UserCreated v2 is missing after UserCreated v1"},
		{"a version in between is missing", func(s map[schemaID]schema) { s[third] = s[second]; delete(s, second); delete(s, first) },
			"UserCreated v2 is missing before UserCreated v3"},
		{"a version has no upcaster", func(s map[schemaID]schema) { s[third] = s[second] },
			"UserCreated v2 has no upcaster to UserCreated v3"},
		{"an upcaster makes something else", func(s map[schemaID]schema) {
			s[first] = older(func(userCreatedV1) userSuspendedV1 { return userSuspendedV1{} })
		}, "the upcaster of UserCreated v1 makes domain.userSuspendedV1, but UserCreated v2 is domain.userCreatedV2"},
		{"a version 0", func(s map[schemaID]schema) { s[schemaID{"RoleGranted", 0}] = s[schemaID{"RoleGranted", 1}] },
			"RoleGranted v"},
	} {
		t.Run(c.name, func(t *testing.T) {
			catalogue := maps.Clone(schemas)
			c.gap(catalogue)
			err := checkChains(catalogue)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}
