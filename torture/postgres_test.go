package torture

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

const databaseName = "usersvc"

// postgres is a server of the check's own, as durable as a real one, and a view of its database from above.
type postgres struct {
	t       *testing.T
	dir     string
	server  *embeddedpg.Server
	admin   *pgxpool.Pool // as superuser
	started time.Time     // for the last time
	frozen  []int         // processes, the first of the server last
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	pg := &postgres{t: t, dir: t.TempDir()}
	if err := os.Chmod(filepath.Dir(pg.dir), 0o755); err != nil { // root's server is not root's
		t.Fatal(err)
	}
	if err := copyTemplate(pg.dir); err != nil {
		t.Fatal(err)
	}
	pg.start()
	t.Cleanup(func() {
		pg.thaw()
		_ = pg.server.Stop()
	})
	var err error
	if pg.admin, err = pgxpool.New(t.Context(), pg.url("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.admin.Close)
	return pg
}

func (pg *postgres) url(role string) string { return pg.server.URL(role, databaseName) }

func (pg *postgres) start() {
	pg.t.Helper()
	var err error
	if pg.server, err = embeddedpg.Start(pg.t.Context(), embeddedpg.Options{Dir: pg.dir}); err != nil {
		pg.t.Fatal(err)
	}
	pg.started = time.Now()
}

// killAndRestart ends the server at once: nothing is written any more, and nobody is told.
func (pg *postgres) killAndRestart() {
	pg.t.Helper()
	if err := syscall.Kill(pg.pid(), syscall.SIGQUIT); err != nil {
		pg.t.Fatal(err)
	}
	<-pg.server.Done()
	_ = pg.server.Stop() // which says that it ended out of order, and frees the folder
	pg.start()
	pg.admin.Reset()
}

// pid is the server's first process.
func (pg *postgres) pid() int {
	pg.t.Helper()
	content, err := os.ReadFile(filepath.Join(pg.server.DataDir, "postmaster.pid"))
	if err != nil {
		pg.t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		pg.t.Fatal(err)
	}
	return pid
}

// The session that asks is the last to be stopped: it has to answer.
const selectProcesses = `SELECT pid FROM pg_stat_activity ORDER BY pid = pg_backend_pid()`

// freeze stops every process of the server. The first goes first, so that no new ones appear.
func (pg *postgres) freeze() {
	pg.t.Helper()
	pg.frozen = []int{pg.pid()}
	pg.signal(syscall.SIGSTOP, pg.frozen...)
	rows, _ := pg.admin.Query(pg.t.Context(), selectProcesses)
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		pg.t.Fatal(err)
	}
	pg.signal(syscall.SIGSTOP, sessions...)
	pg.frozen = append(sessions, pg.frozen...)
}

func (pg *postgres) thaw() {
	pg.signal(syscall.SIGCONT, pg.frozen...)
	pg.frozen = nil
}

func (pg *postgres) signal(s syscall.Signal, pids ...int) {
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil {
			pg.t.Errorf("send %v to process %d of the server: %v", s, pid, err)
		}
	}
}

func (pg *postgres) exec(sql string, args ...any) {
	pg.t.Helper()
	if _, err := pg.admin.Exec(pg.t.Context(), sql, args...); err != nil {
		pg.t.Fatal(err)
	}
}

const selectStanding = `
SELECT s.checkpoint, COALESCE((SELECT max(position) FROM eventlog.events), 0)
FROM derived.subscriptions s WHERE s.name = 'user_profiles'`

// standing is where the projection is, and the log.
func (pg *postgres) standing() (checkpoint, head int64) {
	pg.t.Helper()
	if err := pg.admin.QueryRow(pg.t.Context(), selectStanding).Scan(&checkpoint, &head); err != nil {
		pg.t.Fatal(err)
	}
	return checkpoint, head
}

// awaitProjection returns when the projection has had every event of the log.
func (pg *postgres) awaitProjection() {
	pg.t.Helper()
	await(pg.t, "the projection catches up", func() bool {
		checkpoint, head := pg.standing()
		return checkpoint == head
	})
}
