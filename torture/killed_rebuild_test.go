package torture

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	rebuildKills = times{2, 5, 10}
	killedEvents = times{500, 20_000, 50_000}
)

// The service is killed in the middle of rebuilds, at any point up to the switch, under clients that write. The
// live tables are those that they were, and nothing is left of the others once it has started again.
func TestKilledRebuild(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	users := pg.seed(killedEvents.now())
	var current atomic.Pointer[service]
	current.Store(serve(t, pg.url("usersvc")))
	pg.awaitProjection()
	l := (&load{t: t, clients: 8, pause: pauseOfAClient, target: func(int) *service { return current.Load() }, users: users, seeded: killedEvents.now()}).start()
	before, phases := pg.liveTables(), make(map[string]int)
	for n := range rebuildKills.now() {
		reader := pg.holdSwitch()
		current.Load().rebuild(t)
		var phase string
		await(t, "the rebuild gets so far", func() bool { phase = pg.phase(); return phase == "switching" || n%2 == 0 && phase == "folding" })
		current.Load().kill()
		phases[phase]++
		if err := reader.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		current.Store(serve(t, pg.url("usersvc")))
		pg.awaitNoDebris()
		if after := pg.liveTables(); !slices.Equal(before, after) {
			t.Errorf("killed when %s: the tables are %v, and were %v", phase, after, before)
		}
	}
	current.Load().rebuildOnce(t, pg)
	l.stop()
	l.checkProjection(pg)
	t.Logf("the service was killed in the middle of %d rebuilds: %v", rebuildKills.now(), phases)
}

const selectCommitted = `SELECT relname::text FROM pg_class WHERE oid = to_regclass('rebuild.user_versions')`

// Nobody writes, so that the largest table is committed before the switch. A service that is killed in between leaves the live tables as
// they were, and the next start drops the other.
func TestKilledRebuildAlone(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.seed(killedEvents.now())
	s := serve(t, pg.url("usersvc"))
	pg.awaitProjection()
	pass(t, 1100*time.Millisecond) // whoever writes within a second is not nobody
	before := pg.liveTables()
	for range rebuildKills.now() {
		reader := pg.holdSwitch()
		s.rebuild(t)
		await(t, "the rebuild gets so far", func() bool { return pg.phase() == "switching" })
		if len(pg.texts(selectCommitted)) == 0 {
			t.Error("there is nothing that could be left behind")
		}
		s.kill()
		if err := reader.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = serve(t, pg.url("usersvc"))
		pg.awaitNoDebris()
		if after := pg.liveTables(); !slices.Equal(before, after) {
			t.Errorf("the tables are %v, and were %v", after, before)
		}
	}
	s.rebuildOnce(t, pg)
	pg.readHistory().checkProjection(t, pg)
	t.Logf("the service was killed %d times when a table was committed that nothing needed", rebuildKills.now())
}

// holdSwitch keeps the live tables where they are, as any reader does.
func (pg *postgres) holdSwitch() pgx.Tx {
	pg.t.Helper()
	tx, err := pg.admin.Begin(pg.t.Context())
	if err == nil {
		_, err = tx.Exec(pg.t.Context(), "SELECT FROM derived.user_profiles LIMIT 1")
	}
	if err != nil {
		pg.t.Fatal(err)
	}
	return tx
}

func (pg *postgres) phase() (phase string) {
	pg.t.Helper()
	if err := pg.admin.QueryRow(pg.t.Context(), "SELECT phase FROM derived.rebuilds WHERE name = 'user_profiles'").Scan(&phase); err != nil {
		pg.t.Fatal(err)
	}
	return phase
}

const selectLiveTables = `SELECT relname || ' ' || oid FROM pg_class WHERE relnamespace = 'derived'::regnamespace AND relkind IN ('r', 'i') ORDER BY 1`

// liveTables names the tables and their indexes, with what makes each a different one.
func (pg *postgres) liveTables() []string { return pg.texts(selectLiveTables) }

// What a rebuild could leave behind: its lock, tables, rows, and files that belong to no table. These go with a
// checkpoint.
const selectDebris = `
SELECT 'a lock' FROM pg_locks WHERE locktype = 'advisory' AND classid = 7310580
UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'rebuild'::regnamespace
UNION ALL SELECT name FROM derived.subscriptions WHERE name <> 'user_profiles'
UNION ALL SELECT subscription FROM derived.dead_letters
UNION ALL SELECT 'file ' || f FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database WHERE datname = current_database())) f
  WHERE f ~ '^[0-9]+$' AND f::oid NOT IN (SELECT pg_relation_filenode(oid) FROM pg_class WHERE pg_relation_filenode(oid) IS NOT NULL)`

// A service tidies up when it has started and the database has noticed that the one before is gone.
const untilTidy = time.Minute

// awaitNoDebris returns when the database has ended the transaction of a process that is gone, and nothing of it is left.
func (pg *postgres) awaitNoDebris() {
	pg.t.Helper()
	var left []string
	for deadline := time.Now().Add(untilTidy); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		pg.exec("CHECKPOINT")
		if left = pg.texts(selectDebris); len(left) == 0 {
			return
		}
	}
	pg.t.Fatalf("left behind: %v", left)
}

func (pg *postgres) texts(query string) []string {
	pg.t.Helper()
	rows, _ := pg.admin.Query(pg.t.Context(), query)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		pg.t.Fatal(err)
	}
	return all
}
