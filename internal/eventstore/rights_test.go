package eventstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// What the service's role must not be able to do, whatever else goes wrong.
var forbidden = []string{
	`INSERT INTO eventlog.events SELECT 2, now(), gen_random_uuid(), stream_id, 2, 1, 'thing', 'Forged', '{}', '{}' FROM eventlog.events`,
	`INSERT INTO eventlog.events (position) VALUES (7)`,
	`COPY eventlog.events FROM STDIN`,
	`UPDATE eventlog.events SET recorded_at = '2001-01-01'`,
	`UPDATE eventlog.events SET data = '{}'`,
	`DELETE FROM eventlog.events`,
	`TRUNCATE eventlog.events`,
	`DROP TABLE eventlog.events`,
	`ALTER TABLE eventlog.events DISABLE TRIGGER ALL`,
	`ALTER TABLE eventlog.events ADD COLUMN forged text`,
	`CREATE TRIGGER forged BEFORE INSERT ON eventlog.events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	`INSERT INTO eventlog.claims VALUES ('name', 'x', gen_random_uuid())`,
	`DELETE FROM eventlog.claims`,
	`UPDATE eventlog.claims SET stream_id = gen_random_uuid()`,
	`INSERT INTO eventlog.idempotency_keys VALUES ('\x00', '\x00', gen_random_uuid(), 1, 1, '{}', now())`,
	`DELETE FROM eventlog.idempotency_keys`,
	`SELECT * FROM eventlog.secrets`,
	`CREATE OR REPLACE FUNCTION eventlog.cursor_key() RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'`,
	`CREATE TABLE eventlog.forged ()`,
	`SET session_replication_role = replica`,
	`SET ROLE usersvc_owner`,
	`SET ROLE postgres`,
	`ALTER FUNCTION eventlog.append_event OWNER TO usersvc_app`,
	`ALTER FUNCTION eventlog.append_events OWNER TO usersvc_app`,
	`ALTER ROLE usersvc_owner LOGIN`,
	`CREATE ROLE forged SUPERUSER`,
}

func TestServiceCannotForgeOrForget(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	mustAppend(t, log, command(newID(), 0, "Made"))
	before := all(t, pool)
	for _, sql := range forbidden {
		_, err := pool.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v, want 42501", sql, err)
		}
	}
	if after := all(t, pool); len(after) != 1 || after[0].RecordedAt != before[0].RecordedAt {
		t.Errorf("the log is %+v now", after)
	}
}

// An auditor sees what there is, and can do no more than the service.
func TestAuditorReadsAlone(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	log := openOn(t, pgtest.Pool(t, db.URL))
	mustAppend(t, log, command(newID(), 0, "Made"))
	auditor, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer auditor.Close(context.WithoutCancel(t.Context()))
	if _, err := auditor.Exec(t.Context(), "SET SESSION AUTHORIZATION usersvc_auditor"); err != nil {
		t.Fatal(err)
	}
	var events, rows int
	err = auditor.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM eventlog.events), (SELECT count(*) FROM derived.user_profiles)`).Scan(&events, &rows)
	if err != nil || events != 1 {
		t.Errorf("an auditor sees %d events, %v", events, err)
	}
	more := []string{
		`SELECT * FROM eventlog.append_events(now(), '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
		`SELECT * FROM eventlog.append_event(now(), NULL, 'thing', 0, '{}', NULL, NULL, NULL, NULL, 'Made', 1, '{}', NULL, NULL, NULL, NULL)`,
		`SELECT eventlog.cursor_key()`, `SELECT * FROM eventlog.idempotency_keys`, `DELETE FROM derived.user_profiles`,
		`UPDATE derived.subscriptions SET checkpoint = 0`, `CREATE TABLE derived.mine ()`, `SET ROLE usersvc_app`,
	}
	for _, sql := range append(more, forbidden...) {
		_, err := auditor.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v, want 42501", sql, err)
		}
	}
}

// Not even whoever migrates, a superuser here, changes history by mistake.
func TestHistoryIsImmutableToEverybody(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	log := openOn(t, pgtest.Pool(t, db.URL))
	mustAppend(t, log, command(newID(), 0, "Made"))
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{
		`UPDATE eventlog.events SET type = 'Other'`,
		`UPDATE eventlog.events SET type = 'Other' WHERE false`,
		`DELETE FROM eventlog.events`,
		`TRUNCATE eventlog.events`,
		`TRUNCATE eventlog.events CASCADE`,
		`INSERT INTO eventlog.events SELECT * FROM eventlog.events ON CONFLICT (position) DO UPDATE SET type = 'Other'`,
	} {
		for _, role := range []string{"origin", "replica"} { // under "replica" ordinary triggers do not fire
			_, err := admin.Exec(t.Context(), "SET session_replication_role = "+role+"; "+sql)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "42501" {
				t.Errorf("%s as %s: %v, want 42501", sql, role, err)
			}
		}
	}
	var mayLogIn bool
	if err := admin.QueryRow(t.Context(), `SELECT rolcanlogin FROM pg_roles WHERE rolname = 'usersvc_owner'`).Scan(&mayLogIn); err != nil || mayLogIn {
		t.Errorf("the owner of the log can log in: %v, %v", mayLogIn, err)
	}
}

// The functions that run with the owner's rights do so whatever the caller has on its search path.
func TestDoorsToTheLogArePinned(t *testing.T) {
	t.Parallel()
	_, pool := open(t)
	rows, _ := pool.Query(t.Context(), `
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'eventlog' AND p.prosecdef
  AND NOT COALESCE(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)`)
	if open, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(open) > 0 {
		t.Errorf("functions without a pinned search_path: %v, %v", open, err)
	}
	var outsiders int
	if err := pool.QueryRow(t.Context(), `
SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
WHERE n.nspname = 'eventlog' AND a.grantee = 0`).Scan(&outsiders); err != nil || outsiders > 0 {
		t.Errorf("%d functions may be called by everybody (%v)", outsiders, err)
	}
}
