package main

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

const runbooks = "docs/runbooks/"

// What is the matter when somebody opens a page, and what must be so when they have done what it says.
var matters = map[string]struct {
	happens func(t *testing.T, p *process, db pgtest.Database)
	mended  func(t *testing.T, p *process)
}{
	"events-parked.md": {parkEvents, func(t *testing.T, p *process) {
		if parked := p.metric(t, `usersvc_subscription_parked_events{subscription="user_profiles"}`); parked != "0" {
			t.Errorf("%s events are still parked", parked)
		}
	}},
	"drift.md": {spoilRow, func(t *testing.T, p *process) {
		if found := p.metric(t, `usersvc_rebuild_differences{projection="user_profiles"}`); found != "1" {
			t.Errorf("the rebuild found %s users whose rows were wrong", found)
		}
		if names := p.must(200, "GET", "/v1/users?sort=createdAt", "").body["data"].([]any)[0].(map[string]any)["displayName"]; names != "Somebody" {
			t.Errorf("the list shows %v", names)
		}
	}},
}

// Every command of every page is carried out, beside a service that has the trouble that the page is about.
func TestRunbooksCanBeFollowed(t *testing.T) {
	t.Parallel()
	found, _ := filepath.Glob(top + runbooks + "*.md") // the pattern is a good one
	for _, path := range found {
		page := filepath.Base(path)
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			db := pgtest.DB(t)
			p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL, "USERSVC_RETRY_TRIES=1")
			at := p.create("ada@example.com")
			p.must(200, "PUT", "/v1/users/"+at+"/roles/admin", "")
			matter := matters[page]
			if matter.happens != nil {
				matter.happens(t, p, db)
			}
			var steps []step
			for _, b := range blocksOf(t, runbooks+page) {
				if b.language == "sh" {
					steps = append(steps, step{commands: b.text})
				}
			}
			if len(steps) == 0 {
				t.Error("there is nothing to be typed")
			}
			p.typed(t, steps, programOnPath(t), "DATABASE_URL="+db.URL, "USERSVC_RETRY_TRIES=1", "elsewhere="+pgtest.DB(t).AdminURL)
			if matter.mended != nil {
				matter.mended(t, p)
			}
		})
	}
}

func parkEvents(t *testing.T, p *process, db pgtest.Database) {
	plantUnknownEvent(t, db.URL, uuid.MustParse(p.create("grace@example.com")))
	for len(p.must(200, "GET", "/v1/dead-letters?state=dead", "").body["data"].([]any)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("nothing was put aside")
		}
	}
}

func spoilRow(t *testing.T, p *process, db pgtest.Database) {
	p.must(200, "GET", "/v1/users?min_position=2", "", "Prefer: wait=5")
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE derived.user_profiles SET display_name = 'Nobody'`); err != nil {
		t.Fatal(err)
	}
}
