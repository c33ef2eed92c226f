package httpapi_test

import "testing"

func TestRebuildOverHTTP(t *testing.T) {
	s := boot(t)
	s.create(t, "ada@example.com")
	s.settle(t)
	if _, err := s.pool.Exec(t.Context(), `UPDATE derived.user_profiles SET display_name = 'Somebody else'`); err != nil {
		t.Fatal(err)
	}
	reader, err := s.pool.Begin(t.Context()) // who keeps it from ending
	if err == nil {
		_, err = reader.Exec(t.Context(), `SELECT FROM derived.user_profiles`)
	}
	if err != nil {
		t.Fatal(err)
	}
	const path = "/v1/projections/user_profiles"
	for status := ""; status != "rebuilding"; {
		status, _ = s.want(t, 200, "", "GET", path, "").json(t)["status"].(string)
		if status == "live" {
			s.want(t, 202, "", "POST", path+"/rebuild", `{}`)
		}
	}
	s.want(t, 409, "rebuild_running", "POST", path+"/rebuild", "")
	s.want(t, 202, "", "DELETE", path+"/rebuild", "")
	s.rebuilt(t, "cancelled")
	s.want(t, 202, "", "DELETE", path+"/rebuild", "")
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want(t, 202, "", "POST", path+"/rebuild", "")
	last := s.rebuilt(t, "done")
	if last["differences"] != 1.0 || last["processed"] != 1.0 || last["total"] != 1.0 {
		t.Errorf("%v", last)
	}
	listed := s.want(t, 200, "", "GET", "/v1/users", "").json(t)["data"].([]any)[0].(map[string]any)
	if listed["displayName"] == "Somebody else" {
		t.Error("the wrong row is still there")
	}
	for _, target := range []string{"/v1/projections/snapshots/rebuild", "/v1/projections/nothing/rebuild"} {
		s.want(t, 404, "projection_not_found", "POST", target, "")
		s.want(t, 404, "projection_not_found", "DELETE", target, "")
	}
	s.want(t, 400, "malformed_request", "POST", path+"/rebuild", `{"now":true}`)
}

// rebuilt waits until the last rebuild is in a state.
func (s *stack) rebuilt(t *testing.T, state string) (last map[string]any) {
	t.Helper()
	for last["state"] != state {
		last, _ = s.want(t, 200, "", "GET", "/v1/projections/user_profiles", "").json(t)["rebuild"].(map[string]any)
		if t.Context().Err() != nil {
			t.Fatalf("it is not %s", state)
		}
	}
	return last
}
