package torture

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
)

// history is the log as it is in the database, and the users that it makes.
type history struct {
	events []event
	users  map[string]*user
	ledger ledger
}

const selectLog = `
SELECT position, stream_type, stream_id::text, version, type, data, metadata ->> 'correlationId', recorded_at
FROM eventlog.events ORDER BY position`

// readHistory reads the whole log and checks its order: positions and versions without gaps, and a time that
// never goes back.
func (pg *postgres) readHistory() *history {
	t := pg.t
	t.Helper()
	rows, _ := pg.admin.Query(t.Context(), selectLog)
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		t.Fatal(err)
	}
	h := &history{events: events, users: make(map[string]*user), ledger: make(ledger)}
	versions := make(map[string]int)
	var before time.Time
	for i, e := range events {
		switch {
		case e.Position != int64(i+1):
			t.Fatalf("the log has position %d in place %d", e.Position, i+1)
		case e.Version != versions[e.Stream]+1:
			t.Fatalf("position %d: version %d of %s %s follows version %d", e.Position, e.Version, e.StreamType, e.Stream, versions[e.Stream])
		case e.At.Before(before):
			t.Fatalf("position %d was recorded before the one ahead of it", e.Position)
		}
		before, versions[e.Stream] = e.At, e.Version
		if err := h.apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for id, u := range h.users {
		u.Counted = h.ledger.newest(id)
	}
	return h
}

func (h *history) apply(e event) error {
	if e.StreamType == "activity" {
		return h.ledger.count(e)
	}
	if h.users[e.Stream] == nil {
		h.users[e.Stream] = &user{}
	}
	return h.users[e.Stream].apply(e)
}

const selectRows = `
SELECT user_id::text, version, position, email, display_name, first_name, last_name, status, suspension_reason,
  COALESCE(suspended_at, '0001-01-01 00:00:00Z'), roles, created_at, updated_at,
  activity_position, post_count, follower_count
FROM derived.user_profiles`

// checkProjection holds the rows of user_profiles, and of the ledger of activity, against a replay of the log.
func (h *history) checkProjection(t *testing.T, pg *postgres) {
	t.Helper()
	rows, _ := pg.admin.Query(t.Context(), selectRows)
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[user])
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]*user, len(found))
	for _, u := range found {
		shown[u.ID] = u
	}
	differences := 0
	for id, want := range h.users {
		if !cmp.Equal(shown[id], want, sameInstant, cmpopts.EquateEmpty()) {
			if differences++; differences == 1 {
				t.Errorf("user %s in the projection (+) is not what the log says (-):\n%s", id, cmp.Diff(want, shown[id], sameInstant, cmpopts.EquateEmpty()))
			}
		}
	}
	if differences > 0 || len(shown) != len(h.users) {
		t.Errorf("of %d users in the log and %d in the projection, %d differ", len(h.users), len(shown), differences)
	}
	h.ledger.check(t, pg)
}

const selectClaims = `SELECT key, stream_id::text FROM eventlog.claims WHERE scope = 'email'`

// checkClaims checks that each living user has the claim to its address, and nobody another.
func (h *history) checkClaims(t *testing.T, pg *postgres) {
	t.Helper()
	want := make(map[string]string)
	for _, u := range h.users {
		if u.Status != "deleted" {
			want[u.Email] = u.ID // in the suite no address has another spelling
		}
	}
	found := make(map[string]string)
	var address, id string
	rows, _ := pg.admin.Query(t.Context(), selectClaims)
	if _, err := pgx.ForEachRow(rows, []any{&address, &id}, func() error { found[address] = id; return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("claims (+) are not the addresses of living users (-):\n%s", diff)
	}
}

var sameInstant = cmp.Comparer(time.Time.Equal)
