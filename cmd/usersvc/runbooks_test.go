package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

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
	"projection-lagging.md": {holdRelay, func(t *testing.T, p *process) {
		p.caughtUp("/v1/users?min_position=3")
		if lag := p.metric(t, `usersvc_subscription_lag_events{subscription="user_profiles"}`); lag != "0" {
			t.Errorf("the projection still lacks %s events", lag)
		}
	}},
	"append-slow.md": {holdAppends, func(_ *testing.T, p *process) { p.create("trent@example.com") }},
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
			p.typed(t, steps, programOnPath(t), "DATABASE_URL="+db.URL, "USERSVC_MIGRATE_DATABASE_URL="+db.AdminURL, "USERSVC_RETRY_TRIES=1", "elsewhere="+pgtest.DB(t).AdminURL)
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

// holdRelay leaves a transaction open that has the row of the subscription.
func holdRelay(t *testing.T, p *process, db pgtest.Database) {
	p.caughtUp("/v1/users?min_position=2")
	holdOpen(t, db, `SELECT FROM derived.subscriptions FOR UPDATE`)
	p.create("grace@example.com")
	awaitMetric(t, p, `usersvc_subscription_lag_events{subscription="user_profiles"}`, "1")
	if lag := p.metric(t, `usersvc_subscription_lag_seconds{subscription="user_profiles"}`); lag == "0" {
		t.Error("the lag has no age")
	}
	p.must(503, "GET", "/v1/users?min_position=3", "")
}

// holdAppends leaves a transaction open that has the lock of the log.
func holdAppends(t *testing.T, p *process, db pgtest.Database) {
	slow := func() string {
		return p.metric(t, `usersvc_append_seconds_bucket{le="+Inf"}`) + " " + p.metric(t, `usersvc_append_seconds_bucket{le="0.5"}`)
	}
	before := slow()
	holdOpen(t, db, `SELECT pg_advisory_xact_lock(7310579)`)
	p.must(503, "POST", "/v1/users", `{"email": "grace@example.com", "displayName": "Grace"}`)
	for slow() == before {
		if t.Context().Err() != nil {
			t.Fatal("the metric did not move")
		}
	}
	if errors := p.must(200, "GET", "/v1/system", "").body["errors"].([]any); len(errors) == 0 {
		t.Error("the system has no trouble to show")
	}
}

// holdOpen begins a transaction that nobody ends, unless they let go, and waits until it is old enough to be noticed.
func holdOpen(t *testing.T, db pgtest.Database, sql string) (letGo func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	letGo = func() { _ = conn.Close(context.Background()) }
	t.Cleanup(letGo)
	if _, err := conn.Exec(t.Context(), "BEGIN; "+sql); err != nil {
		t.Fatal(err)
	}
	<-time.After(1100 * time.Millisecond)
	return letGo
}

func awaitMetric(t *testing.T, p *process, name, value string) {
	t.Helper()
	for began := time.Now(); p.metric(t, name) != value; <-time.After(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%s is %s", name, p.metric(t, name))
		}
	}
}

func spoilRow(t *testing.T, p *process, db pgtest.Database) {
	p.caughtUp("/v1/users?min_position=2")
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE derived.user_profiles SET display_name = 'Nobody'`); err != nil {
		t.Fatal(err)
	}
}
