package torture

import (
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
		worker := pg.catchWorker()
		victim := all.named(t, worker.name)
		victim.out.Store(true)
		pg.strike(worker, victim.running.Load().kill)
		slowestKill = max(slowestKill, pg.awaitTakeOver(worker))
		victim.start(t)
	}
	for range workerFreezes.now() {
		l.await(int(l.acknowledged.Load()) + 50)
		worker := pg.catchWorker()
		victim := all.named(t, worker.name)
		victim.out.Store(true)
		pg.strike(worker, func() { victim.running.Load().signal(syscall.SIGSTOP) })
		slowestFreeze = max(slowestFreeze, pg.awaitTakeOver(worker))
		await(t, "the replica has been frozen for long", func() bool { return *profile == "short" || time.Since(worker.struck) > frozenFor })
		victim.running.Load().signal(syscall.SIGCONT)
		await(t, "the replica that was frozen is ready", victim.running.Load().ready)
		victim.out.Store(false)
	}
	l.stop()
	within(t, "taking over from a replica that was killed", slowestKill, takeOverAfter)
	within(t, "taking over from a frozen replica", slowestFreeze, takeOverAfter)
	l.checkAll(pg)
	t.Logf("of %d replicas, the one that worked the projection was killed %d times (taken over within %v) and frozen %d times (within %v)",
		len(all), workerKills.now(), slowestKill.Round(time.Millisecond), workerFreezes.now(), slowestFreeze.Round(time.Millisecond))
}
