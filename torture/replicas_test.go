package torture

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

var (
	workerKills   = times{1, 3, 10}
	workerFreezes = times{1, 2, 5}
)

const (
	takeOverAfter = 10 * time.Second
	frozenFor     = 15 * time.Second
)

// Three replicas on one database. The one that works the projection is killed, or frozen, in the middle of a
// batch: another takes over, no effect is there twice, and one that comes back does no harm.
func TestReplicas(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	all := serveReplicas(t, pg)
	l := (&load{t: t, clients: clientsOfAService, pause: pauseOfAClient, target: all.target, contended: true}).start()
	var slowestKill, slowestFreeze time.Duration
	for range workerKills.now() {
		l.await(int(l.acknowledged.Load()) + 50)
		worker := pg.catchWorker(all)
		worker.out.Store(true)
		slowestKill = max(slowestKill, pg.takeOver(worker.running.Load().kill))
		worker.start(t)
	}
	for range workerFreezes.now() {
		l.await(int(l.acknowledged.Load()) + 50)
		worker := pg.catchWorker(all)
		worker.out.Store(true)
		began := time.Now()
		slowestFreeze = max(slowestFreeze, pg.takeOver(func() { worker.running.Load().signal(syscall.SIGSTOP) }))
		await(t, "the replica has been frozen for long", func() bool { return *profile == "short" || time.Since(began) > frozenFor })
		worker.running.Load().signal(syscall.SIGCONT)
		await(t, "the replica that was frozen is ready", worker.running.Load().ready)
		worker.out.Store(false)
	}
	l.stop()
	within(t, "taking over from a replica that was killed", slowestKill, takeOverAfter)
	within(t, "taking over from a frozen replica", slowestFreeze, takeOverAfter)
	l.checkAll(pg)
	t.Logf("of %d replicas, the one that worked the projection was killed %d times (taken over within %v) and frozen %d times (within %v)",
		len(all), workerKills.now(), slowestKill.Round(time.Millisecond), workerFreezes.now(), slowestFreeze.Round(time.Millisecond))
}

const whoWaits = `
SELECT COALESCE(min(a.application_name), '') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.relation = 'torture.effects'::regclass AND NOT l.granted`

// catchWorker blocks the account of effects until a replica waits for it: that one has taken the projection,
// and is in the middle of a batch. takeOver lets go.
func (pg *postgres) catchWorker(all replicas) *replica {
	pg.t.Helper()
	var err error
	if pg.block, err = pg.admin.Begin(pg.t.Context()); err != nil {
		pg.t.Fatal(err)
	}
	if _, err := pg.block.Exec(pg.t.Context(), "LOCK TABLE torture.effects IN ACCESS EXCLUSIVE MODE"); err != nil {
		pg.t.Fatal(err)
	}
	var name string
	await(pg.t, "a replica works the projection", func() bool {
		if err := pg.admin.QueryRow(pg.t.Context(), whoWaits).Scan(&name); err != nil {
			pg.t.Fatal(err)
		}
		return name != ""
	})
	for _, r := range all {
		if r.name == name {
			return r
		}
	}
	pg.t.Fatalf("%q works the projection, which is none of the replicas", name)
	return nil
}

// takeOver strikes the replica that was caught, and says how long it takes until the projection has had what
// was in the log by then.
func (pg *postgres) takeOver(strike func()) time.Duration {
	pg.t.Helper()
	_, head := pg.standing()
	began := time.Now()
	strike()
	if err := pg.block.Rollback(pg.t.Context()); err != nil {
		pg.t.Fatal(err)
	}
	await(pg.t, fmt.Sprintf("another replica has got to position %d", head), func() bool {
		checkpoint, _ := pg.standing()
		return checkpoint >= head
	})
	return time.Since(began)
}
