package main

import (
	"strings"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A newcomer fills an empty database, looks around, and cannot do so twice.
func TestDemoIsThereToLookAround(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	env := []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL}
	for i, want := range []string{"events of a year that ends now", "for an empty database"} {
		said, err := program(t.Context(), t.TempDir(), env, "demo", "--people", "200").CombinedOutput()
		if (err == nil) != (i == 0) || !strings.Contains(string(said), want) {
			t.Fatalf("%v: %s", err, said)
		}
	}
	if said, err := program(t.Context(), t.TempDir(), env, "verify").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	p := serve(t, t.TempDir(), env...)
	p.settled()
	names := func(query string) (all []string) {
		for _, u := range p.must(200, "GET", "/v1/users?"+query, "").body["data"].([]any) {
			all = append(all, u.(map[string]any)["email"].(string))
		}
		return all
	}
	then := time.Now().AddDate(-1, 4, 8).UTC().Format(time.RFC3339)
	if found := names("role=admin&as_of=" + then); !strings.Contains(strings.Join(found, " "), "max.mustermann@agency.example") {
		t.Errorf("admins at %s were %v", then, found)
	}
	if found := names("role=admin"); strings.Contains(strings.Join(found, " "), "max.mustermann") {
		t.Errorf("admins are %v", found)
	}
	if spammers := names("status=suspended&q=bargains&limit=200"); len(spammers) != 60 {
		t.Errorf("%d spammers are suspended", len(spammers))
	}
}
