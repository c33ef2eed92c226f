package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// dry adds dry_run=true to an address.
func dry(target string) string {
	if strings.Contains(target, "?") {
		return target + "&dry_run=true"
	}
	return target + "?dry_run=true"
}

// everyCommand is one of each kind, in an order in which all of them happen to the user of a path.
func everyCommand(path, email string) []step {
	return []step{
		{"POST", "/v1/users", `{"id":"` + uuid.NewString() + `","email":"other-` + email + `","displayName":"Grace"}`},
		{"PUT", path + "/email", `{"email":"new-` + email + `"}`},
		{"PATCH", path, `{"displayName":"Countess","lastName":"King"}`},
		{"PUT", path + "/roles/admin", ""},
		{"POST", path + "/restore", `{"version":1,"fields":["roles","lastName","displayName","email"],"reason":"Oops"}`},
		{"POST", path + "/suspend", `{"reason":"Spam"}`},
		{"POST", path + "/reactivate", ""},
		{"PUT", path + "/roles/admin", ""},
		{"DELETE", path + "/roles/admin", ""},
		{"PATCH", path, `{}`},
		{"DELETE", path + "?reason=asked", ""},
	}
}

func TestDryRunRecordsNothing(t *testing.T) {
	s := boot(t)
	s.stopRelay() // only commands write
	path := s.create(t, "ada@example.com")
	for _, c := range everyCommand(path, "ada@example.com") {
		before := s.rows(t)
		got := s.want(t, 200, "", c.method, dry(c.path), c.body, "Idempotency-Key: "+uuid.NewString())
		if diff := cmp.Diff(before, s.rows(t)); diff != "" {
			t.Errorf("%s %s was recorded:\n%s", c.method, c.path, diff)
		}
		for _, name := range []string{"ETag", "X-Event-Position", "Location", "Idempotency-Replayed"} {
			if value := got.Header.Get(name); value != "" {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, value)
			}
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.json(t)["dryRun"] != true {
			t.Errorf("%s %s: %v %s", c.method, c.path, got.Header, got.Body)
		}
		status := map[bool]int{true: 201, false: 200}[c.path == "/v1/users"]
		happened := s.want(t, status, "", c.method, c.path, c.body).json(t) // and the cache has not learnt of it either
		if happened["version"].(float64) >= snapshotEvery {
			s.awaitSnapshot(t)
		}
	}
}

// awaitSnapshot waits for what is saved behind a command's back.
func (s *stack) awaitSnapshot(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.rows(t)["derived.snapshots"] == 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no snapshot was saved")
		}
	}
}

// rows counts what is in each table of the service.
func (s *stack) rows(t *testing.T) map[string]int {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname IN ('eventlog', 'derived') AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')`)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		counts[table] = 0
	}
	if rows.Err() != nil || len(counts) < 5 {
		t.Fatalf("the tables are %v (%v)", counts, rows.Err())
	}
	for table := range counts {
		var n int
		if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// What a dry run says is what then happens, but for the times.
func TestDryRunForetells(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, c := range everyCommand(path, "ada@example.com") {
		foretold := s.want(t, 200, "", c.method, dry(c.path), c.body).json(t)
		happened := s.send(t, c.method, c.path, c.body).json(t)
		user := foretold["user"].(map[string]any)
		if mustTime(t, user["updatedAt"]).After(mustTime(t, happened["updatedAt"])) {
			t.Errorf("%s %s: foretold for %v, happened at %v", c.method, c.path, user["updatedAt"], happened["updatedAt"])
		}
		stored := s.want(t, 200, "", "GET", "/v1/users/"+happened["id"].(string)+"/events", "").json(t)["data"].([]any)
		events := foretold["events"].([]any)
		for i, e := range stored[len(stored)-len(events):] {
			all := e.(map[string]any)
			want := map[string]any{"type": all["type"], "schemaVersion": all["schemaVersion"], "version": all["version"], "data": all["data"]}
			if diff := cmp.Diff(want, events[i]); diff != "" {
				t.Errorf("%s %s, event %d (-happened +foretold):\n%s", c.method, c.path, i, diff)
			}
		}
		for _, at := range []string{"createdAt", "updatedAt", "suspendedAt"} {
			if (user[at] == nil) != (happened[at] == nil) {
				t.Errorf("%s %s: %s is %v, foretold %v", c.method, c.path, at, happened[at], user[at])
			}
			delete(user, at)
			delete(happened, at)
		}
		if diff := cmp.Diff(happened, user); diff != "" {
			t.Errorf("%s %s (-happened +foretold):\n%s", c.method, c.path, diff)
		}
	}
}

// A dry run is refused for the same as the command, and in the same words.
func TestDryRunRefusesLikeTheCommand(t *testing.T) {
	s := boot(t)
	ada, grace, gone := s.create(t, "ada@example.com"), s.create(t, "grace@example.com"), s.create(t, "gone@example.com")
	s.want(t, 200, "", "PUT", ada+"/email", `{"email":"countess@example.com"}`)
	edsger := s.create(t, "ADA@example.com")
	s.want(t, 200, "", "POST", grace+"/suspend", `{"reason":"Spam"}`)
	s.want(t, 200, "", "DELETE", gone, "")
	for code, c := range map[string]struct {
		step
		headers []string
	}{
		"malformed_request":      {step{"PUT", ada + "/email", `{"email":1}`}, nil},
		"validation_failed":      {step{"PUT", ada + "/email", `{"email":"x"}`}, nil},
		"invalid_parameter":      {step{"PATCH", ada, `{}`}, []string{"Idempotency-Key: a b"}},
		"unsupported_media_type": {step{"PATCH", ada, `{}`}, []string{"Content-Type: text/plain"}},
		"user_not_found":         {step{"PATCH", "/v1/users/" + uuid.NewString(), `{}`}, nil},
		"user_deleted":           {step{"DELETE", gone, ""}, []string{`If-Match: "1.0"`}},
		"precondition_failed":    {step{"PATCH", ada, `{}`}, []string{`If-Match: "1.0"`}},
		"email_taken":            {step{"PUT", ada + "/email", `{"email":"grace@EXAMPLE.com"}`}, nil},
		"email_taken, create":    {step{"POST", "/v1/users", `{"email":"grace@example.com","displayName":"Grace"}`}, nil},
		"email_taken, restore":   {step{"POST", ada + "/restore", `{"version":1,"fields":["email"],"reason":"Oops"}`}, nil},
		"user_exists":            {step{"POST", "/v1/users", `{"id":"` + strings.TrimPrefix(gone, "/v1/users/") + `","email":"grace@example.com","displayName":"Grace"}`}, nil},
		"user_suspended":         {step{"PATCH", grace, `{}`}, nil},
		"already_suspended":      {step{"POST", grace + "/suspend", `{"reason":"Spam"}`}, nil},
		"not_suspended":          {step{"POST", edsger + "/reactivate", ""}, nil},
	} {
		code, _, _ = strings.Cut(code, ",")
		headers := append(c.headers, "X-Request-Id: same")
		told := s.send(t, c.method, c.path, c.body, headers...)
		foretold := s.send(t, c.method, dry(c.path), c.body, headers...)
		if diff := cmp.Diff(told, foretold); diff != "" || told.code() != code {
			t.Errorf("%s: %s (-command +dry run):\n%s", code, told.Body, diff)
		}
	}
	s.want(t, 200, "", "PUT", dry(edsger+"/email"), `{"email":"ada@example.com"}`) // it is its own
	for _, value := range []string{"", "1", "TRUE", "yes", "%00"} {
		s.want(t, 400, "invalid_parameter", "PATCH", ada+"?dry_run="+value, `{}`)
	}
	s.want(t, 400, "invalid_parameter", "PATCH", ada+"?dry_run=true&dry_run=true", `{}`)
	s.want(t, 200, "", "PUT", ada+"/roles/admin?dry_run=false", "")
	s.wantNewest(t, ada, 3, "RoleGranted")
}

// What another replica did meanwhile is known, though the cache does not know it.
func TestDryRunIsFresh(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := bootOn(t, pool), bootOn(t, pool)
	path := here.create(t, "ada@example.com")
	there.want(t, 200, "", "PUT", path+"/roles/admin", "")
	got := here.want(t, 200, "", "PUT", dry(path+"/roles/admin"), "").json(t)
	if user := got["user"].(map[string]any); len(got["events"].([]any)) > 0 || user["version"] != 2.0 {
		t.Errorf("an answer from the cache: %v", got)
	}
	if got := here.want(t, 412, "precondition_failed", "PATCH", dry(path), `{"firstName":"A"}`, `If-Match: "1"`).json(t); got["currentVersion"] != 2.0 {
		t.Errorf("currentVersion is %v", got["currentVersion"])
	}
	there.want(t, 200, "", "POST", path+"/suspend", `{"reason":"Spam"}`)
	here.want(t, 409, "user_suspended", "PATCH", dry(path), `{"firstName":"A"}`)
}

func TestDryRunLeavesTheKeyAlone(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "PUT", dry(path+"/roles/admin"), "", "Idempotency-Key: k")
	first := s.want(t, 200, "", "PUT", path+"/roles/editor", "", "Idempotency-Key: k")
	if first.Header.Get("Idempotency-Replayed") != "" {
		t.Error("a dry run was remembered")
	}
	s.want(t, 200, "", "PUT", dry(path+"/roles/admin"), "", "Idempotency-Key: k")
}
