package torture

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// Counted is what the events of other domains about a user add up to, after one that has changed it. It has an
// upper-case name because cmp looks into no other part of a user.
type Counted struct {
	ActivityPosition int64 // of that event
	Posts, Followers int
}

// ledger is all of that, for users whether they exist or not.
type ledger map[string][]Counted

func (l ledger) newest(id string) (c Counted) {
	if all := l[id]; len(all) > 0 {
		c = all[len(all)-1]
	}
	return c
}

// count is the documentation of such events in code, as user.apply is of the others.
func (l ledger) count(e event) error {
	var data struct{ AuthorID, FollowedUserID string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	id := data.AuthorID + data.FollowedUserID // it has one of them
	before := l.newest(id)
	after := before
	switch e.Type {
	case "PostCreated":
		after.Posts++
	case "PostDeleted":
		after.Posts = max(0, after.Posts-1)
	case "UserFollowed":
		after.Followers++
	case "UserUnfollowed":
		after.Followers = max(0, after.Followers-1)
	default:
		return fmt.Errorf("event at position %d is a %s, which nobody sent", e.Position, e.Type)
	}
	if after != before {
		after.ActivityPosition = e.Position
		l[id] = append(l[id], after)
	}
	return nil
}

const selectLedger = `SELECT user_id::text, position, post_count, follower_count FROM derived.activity ORDER BY user_id, position`

// check holds the rows of the ledger in the database against this one.
func (l ledger) check(t *testing.T, pg *postgres) {
	t.Helper()
	found := make(ledger)
	var id string
	var c Counted
	rows, _ := pg.admin.Query(t.Context(), selectLedger)
	_, err := pgx.ForEachRow(rows, []any{&id, &c.ActivityPosition, &c.Posts, &c.Followers}, func() error {
		found[id] = append(found[id], c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	differences := 0
	for id := range l {
		if !cmp.Equal(l[id], found[id]) {
			if differences++; differences == 1 {
				t.Errorf("activity of user %s in the projection (+) is not what the log says (-):\n%s", id, cmp.Diff(l[id], found[id]))
			}
		}
	}
	if differences > 0 || len(found) != len(l) {
		t.Errorf("of the activity of %d users in the log and %d in the projection, %d differ", len(l), len(found), differences)
	}
}
