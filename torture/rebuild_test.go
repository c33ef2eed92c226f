package torture

import "testing"

// rebuild asks for a rebuild of the projection.
func (s *service) rebuild(t *testing.T) {
	t.Helper()
	r, err := s.send(request{method: "POST", path: "/v1/projections/user_profiles/rebuild"})
	if err != nil || !r.ok() {
		t.Errorf("ask for a rebuild: %d %s (%v)", r.status, r.code, err)
	}
}

const selectRebuild = `
SELECT count(*) FILTER (WHERE state = 'running') > 0,
  COALESCE(min(state || ' in its phase ' || phase || ', ' || COALESCE(differences, 0) || ' differences ' || COALESCE(error, ''))
    FILTER (WHERE state NOT IN ('running', 'done') OR differences > 0), '')
FROM derived.rebuilds`

// rebuilding says whether a rebuild is under way. The one before must have ended well, and found no difference.
func (pg *postgres) rebuilding() (running bool) {
	pg.t.Helper()
	var wrong string
	if err := pg.admin.QueryRow(pg.t.Context(), selectRebuild).Scan(&running, &wrong); err != nil {
		pg.t.Fatal(err)
	}
	if wrong != "" {
		pg.t.Errorf("a rebuild ended: %s", wrong)
	}
	return running
}
