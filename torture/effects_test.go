package torture

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// The database itself keeps an account of what the projection writes, in the projection's transactions: who
// wrote which version of whom, as the service cannot.
const createAudit = `
CREATE SCHEMA torture;
CREATE TABLE torture.effects (n bigint GENERATED ALWAYS AS IDENTITY, user_id uuid, version integer, by text);
CREATE FUNCTION torture.note_effect() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO torture.effects (user_id, version, by) VALUES (NEW.user_id, NEW.version, current_setting('application_name'));
  RETURN NEW;
END $$;
CREATE TRIGGER effects_are_noted AFTER INSERT OR UPDATE ON derived.user_profiles
  FOR EACH ROW EXECUTE FUNCTION torture.note_effect()`

func (pg *postgres) auditEffects() {
	pg.t.Helper()
	pg.exec(createAudit)
}

const selectEffects = `SELECT user_id::text, array_agg(version ORDER BY n) FROM torture.effects GROUP BY user_id`

// checkEffects checks that each event took effect once and in order: the versions that were written of a user
// only ever grew, up to the newest. (Several events of a batch are one effect.)
func (h *history) checkEffects(t *testing.T, pg *postgres) {
	t.Helper()
	rows, _ := pg.admin.Query(t.Context(), selectEffects)
	var id string
	var versions []int
	users, effects, wrong := 0, 0, 0
	_, err := pgx.ForEachRow(rows, []any{&id, &versions}, func() error {
		users, effects = users+1, effects+len(versions)
		if want := h.users[id]; want == nil || !grows(versions) || versions[len(versions)-1] != want.Version {
			if wrong++; wrong == 1 {
				t.Errorf("effects on user %s: versions %v were written, one after the other", id, versions)
			}
		}
		versions = nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if wrong > 0 || users != len(h.users) {
		t.Errorf("of %d users, %d were written, %d of them not once and in order", len(h.users), users, wrong)
	}
	t.Logf("%d effects on %d users, each once", effects, users)
}

func grows(versions []int) bool {
	for i := range versions[1:] {
		if versions[i] >= versions[i+1] {
			return false
		}
	}
	return true
}
