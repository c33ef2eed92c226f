package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"github.com/usersvc/usersvc/internal/pgtest"
)

const (
	runbooks  = "docs/runbooks/"
	rules     = "deploy/prometheus/usersvc.rules.yml"
	rulesTest = "deploy/prometheus/usersvc.rules.test.yml"
)

// alert is a rule, as far as these tests look at it.
type alert struct {
	Alert, Expr string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal([]byte(read(t, rules)), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var metricName = regexp.MustCompile(`\b(?:usersvc|node|up)_?\w*\b`)

// Metrics of others that alerts are about.
var foreign = []string{"up", "node_filesystem_avail_bytes", "usersvc"} // the last is the name of the job

// Each alert has a page that names it and is about metrics that there are, and each page has an alert.
func TestAlertsAndRunbooksBelongTogether(t *testing.T) {
	t.Parallel()
	metrics, tests := read(t, "docs/metrics.md"), read(t, rulesTest)
	pages := []string{"backup-and-restore.md"} // nothing alerts of it
	for _, a := range alerts(t) {
		page := filepath.Base(a.Annotations["runbook_url"])
		pages = append(pages, page)
		if !strings.Contains(read(t, runbooks+page), "`"+a.Alert+"`") {
			t.Errorf("%s%s does not name %s", runbooks, page, a.Alert)
		}
		if !regexp.MustCompile(`alertname: ` + a.Alert + `\n\s+exp_alerts:`).MatchString(tests) {
			t.Errorf("%s: nothing shows that %s fires", rulesTest, a.Alert)
		}
		for _, name := range metricName.FindAllString(a.Expr, -1) {
			described := strings.Contains(metrics, "`"+regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")+"`")
			if !described && !slices.Contains(foreign, name) {
				t.Errorf("%s is about %s, which nobody serves", a.Alert, name)
			}
		}
	}
	found, err := filepath.Glob(top + runbooks + "*.md")
	if err != nil || len(found) != len(pages) {
		t.Errorf("%d pages (%v), for %v", len(found), err, pages)
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("not shown on this machine: promtool is not installed")
		return
	}
	if said, err := exec.CommandContext(t.Context(), promtool, "test", "rules", top+rulesTest).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

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
