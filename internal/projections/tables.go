package projections

import "strings"

// Tables is the schema whose tables the handlers read and write.
type Tables string

const (
	// Live are the tables that are read.
	Live Tables = "derived"
	// Shadow are those that a rebuild makes to take their place.
	Shadow Tables = "rebuild"
)

// Names are the tables of the projection, in the order in which Rebuilt has their rows.
var Names = []string{"role_holders", "user_profiles", "user_versions", "activity"}

// Qualified are the Names with their schema.
func (t Tables) Qualified() (names []string) {
	for _, name := range Names {
		names = append(names, string(t)+"."+name)
	}
	return names
}

// in returns a statement, written for the live tables, as it is for these.
func (t Tables) in(statement string) string {
	if t == Live {
		return statement
	}
	return strings.ReplaceAll(statement, string(Live)+".", string(t)+".")
}
