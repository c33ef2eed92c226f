package main

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A clock that was set back is told, as the past that was answered meanwhile may change.
func TestClockSetBackIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	if a := p.must(200, "GET", "/readyz", ""); len(a.body["warnings"].([]any)) != 0 {
		t.Errorf("warnings at the start: %v", a.body["warnings"])
	}
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
VALUES (1, clock_timestamp() + interval '2 hours', gen_random_uuid(), gen_random_uuid(), 1, 1, 'other', 'Later', '{}', '{}')`); err != nil {
		t.Fatal(err)
	}
	warnings, ok := p.must(200, "GET", "/readyz", "").body["warnings"].([]any)
	if !ok || len(warnings) != 1 || !strings.Contains(warnings[0].(string), "set back") {
		t.Errorf("warnings after the clock was set back: %v", warnings)
	}
	p.create("ada@example.com") // and the log goes on, in order
}

// Reads go on when the disk is full. What is wrong is said, until a command is stored again.
func TestFullDiskIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	user := "/v1/users/" + p.create("ada@example.com")
	makeRoom := db.FillDisk(t)
	p.must(503, "PUT", user+"/roles/admin", "")
	p.must(200, "GET", user, "")
	warnings, ok := p.must(200, "GET", "/readyz", "").body["warnings"].([]any)
	if !ok || len(warnings) != 1 || !strings.Contains(warnings[0].(string), "SQLSTATE 53100") {
		t.Errorf("warnings with a full disk: %v", warnings)
	}
	makeRoom()
	p.must(200, "PUT", user+"/roles/editor", "")
	if a := p.must(200, "GET", "/readyz", ""); len(a.body["warnings"].([]any)) != 0 {
		t.Errorf("warnings when there is room again: %v", a.body["warnings"])
	}
}

// A projection that is nowhere in the log stands still. That is told, and mended beside the service.
func TestProjectionThatIsNowhereIsTold(t *testing.T) {
	t.Parallel()
	for warning, spoil := range map[string]string{
		"user_profiles has lost its place in the log":                  `DELETE FROM derived.subscriptions`,
		"user_profiles is at position 1001 and the log ends at 1: see": `UPDATE derived.subscriptions SET checkpoint = 1001`,
	} {
		db := pgtest.DB(t)
		p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
		p.create("ada@example.com")
		p.caughtUp("/v1/users?min_position=1")
		if _, err := pgtest.Pool(t, db.AdminURL).Exec(t.Context(), spoil); err != nil {
			t.Fatal(err)
		}
		warnings, ok := p.must(200, "GET", "/readyz", "").body["warnings"].([]any)
		if !ok || len(warnings) != 1 || !strings.Contains(warnings[0].(string), warning) {
			t.Errorf("warnings: %v, want %s", warnings, warning)
		}
		wantStatus(t, 1, environmentOf(db), "verify")
		wantStatus(t, 0, environmentOf(db), "verify", "--repair")
		if a := p.must(200, "GET", "/readyz", ""); len(a.body["warnings"].([]any)) != 0 {
			t.Errorf("warnings after the repair: %v", a.body["warnings"])
		}
		p.create("grace@example.com")
		p.caughtUp("/v1/users?min_position=2")
	}
}

func TestMetricsSayWhereTheLogStands(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	written := p.must(201, "POST", "/v1/users", `{"email": "ada@example.com", "displayName": "Ada"}`)
	user := written.header.Get("Location")
	p.must(200, "PUT", user+"/roles/admin", "", "Idempotency-Key: k")
	p.must(200, "PUT", user+"/roles/admin", "", "Idempotency-Key: k")
	p.must(200, "PUT", user+"/roles/admin", "")
	p.must(412, "PUT", user+"/roles/editor", "", `If-Match: "1"`)
	p.must(404, "POST", "/v1/users/"+uuid.NewString()+"/suspend", `{"reason": "Spam"}`)
	p.caughtUp("/v1/users?min_position=2")
	p.must(202, "POST", "/v1/projections/user_profiles/rebuild", "")
	for p.must(200, "GET", "/v1/projections/user_profiles", "").body["status"] != "live" {
		<-time.After(10 * time.Millisecond)
	}
	text := p.metrics(t)
	for _, want := range []string{
		"usersvc_log_head_position 2\n",
		"usersvc_clock_behind_seconds 0\n",
		`usersvc_subscription_checkpoint{subscription="user_profiles"} 2` + "\n",
		`usersvc_subscription_lag_events{subscription="user_profiles"} 0` + "\n",
		`usersvc_subscription_failures{subscription="user_profiles"} 0` + "\n",
		`usersvc_commands_total{command="CreateUser",outcome="stored"} 1` + "\n",
		`usersvc_commands_total{command="Suspend",outcome="refused"} 1` + "\n",
		`usersvc_commands_total{command="GrantRole",outcome="replayed"} 1` + "\n",
		`usersvc_commands_total{command="GrantRole",outcome="unchanged"} 1` + "\n",
		`usersvc_commands_total{command="GrantRole",outcome="precondition"} 1` + "\n",
		"usersvc_events_appended_total 2\n",
		"usersvc_append_seconds_count 2\n",
		`usersvc_rebuild_running{projection="user_profiles"} 0` + "\n",
		`usersvc_rebuild_processed_events{projection="user_profiles"} 2` + "\n",
		"usersvc_feed_streams 0\n",
		"go_goroutines ",
		`usersvc_http_request_seconds_count{method="POST",route="/v1/users",status="201"} 1` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
	var served, described []string
	for _, help := range regexp.MustCompile(`(?m)^# HELP (usersvc_\w+) `).FindAllStringSubmatch(text, -1) {
		served = append(served, help[1])
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(usersvc_\\w+)` ").FindAllStringSubmatch(read(t, "docs/metrics.md"), -1) {
		described = append(described, row[1])
	}
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("served (-) and described in docs/metrics.md (+):\n%s", diff)
	}
}

// admin is the address of metrics and pprof.
func (p *process) admin() string {
	_, rest, _ := strings.Cut(p.output(), "metrics and pprof: ")
	admin, _, _ := strings.Cut(rest, ")")
	return admin
}

func (p *process) metrics(t *testing.T) string {
	t.Helper()
	response, err := http.Get(p.admin() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metric is the value of one, "" if it is not served.
func (p *process) metric(t *testing.T, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(p.metrics(t), "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// Whoever starts it by hand sees where everything is.
func TestStartSaysWhereEverythingIs(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	p.awaitOutput("console:")
	for _, want := range []string{"database: ", "schema:   version ", "access:   everyone", "serving:  " + p.url, "console:  " + p.url + "/console"} {
		if !strings.Contains("\n"+p.output(), "\n"+want) {
			t.Errorf("it does not say %q: %s", want, p.output())
		}
	}
}
