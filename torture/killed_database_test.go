package torture

import (
	"testing"
	"time"
)

var (
	commandsOverKills = times{200, 3_000, 10_000}
	databaseKills     = times{1, 5, 10}
)

const catchUpAfterStart = 10 * time.Second

// PostgreSQL is killed again and again under clients that write. Nothing that was acknowledged is lost,
// nothing happens twice or though its client was told that it did not; the service goes on by itself.
func TestKilledDatabase(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	s := serve(t, pg.url("usersvc"))
	l := (&load{t: t, clients: 64, target: at(s)}).start()
	kills, commands := databaseKills.now(), commandsOverKills.now()
	for kill := range kills {
		l.await(commands * (kill + 1) / (kills + 1))
		pg.killAndRestart()
	}
	pg.awaitCatchUp(catchUpAfterStart)
	l.await(commands)
	l.stop()
	l.checkAll(pg)
	t.Logf("PostgreSQL was killed %d times under %d connections", kills, l.clients)
}

// awaitCatchUp checks that the projection has soon had what was in the log when the server started. More
// is written all the time.
func (pg *postgres) awaitCatchUp(limit time.Duration) {
	pg.t.Helper()
	_, head := pg.standing()
	await(pg.t, "the projection goes on", func() bool {
		checkpoint, _ := pg.standing()
		return checkpoint >= head
	})
	took := time.Since(pg.started)
	within(pg.t, "the projection's way to the head after a start of the server", took, limit)
	pg.t.Logf("after the last start the projection was at the head in %v", took.Round(time.Millisecond))
}
