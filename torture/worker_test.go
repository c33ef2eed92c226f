package torture

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// worker is whoever works the projection, held up in the middle of a batch.
type worker struct {
	block  pgx.Tx
	name   string // of its connection to the database
	struck time.Time
	head   int64 // then
}

const whoWaits = `
SELECT count(*) > 0, COALESCE(min(a.application_name), '') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.relation = 'torture.effects'::regclass AND NOT l.granted`

// catchWorker blocks the account of effects until somebody waits for it: that one has taken the projection and
// changed rows of it, and has not committed.
func (pg *postgres) catchWorker() *worker {
	pg.t.Helper()
	w := &worker{}
	var err error
	if w.block, err = pg.admin.Begin(pg.t.Context()); err != nil {
		pg.t.Fatal(err)
	}
	if _, err := w.block.Exec(pg.t.Context(), "LOCK TABLE torture.effects IN ACCESS EXCLUSIVE MODE"); err != nil {
		pg.t.Fatal(err)
	}
	pg.t.Cleanup(func() { _ = w.block.Rollback(context.WithoutCancel(pg.t.Context())) }) // if it is not struck
	await(pg.t, "somebody works the projection", func() (caught bool) {
		if err := pg.admin.QueryRow(pg.t.Context(), whoWaits).Scan(&caught, &w.name); err != nil {
			pg.t.Fatal(err)
		}
		return caught
	})
	return w
}

// strike does something to the worker, and lets go.
func (pg *postgres) strike(w *worker, with func()) {
	pg.t.Helper()
	_, w.head = pg.standing()
	w.struck = time.Now()
	with()
	if err := w.block.Rollback(pg.t.Context()); err != nil {
		pg.t.Fatal(err)
	}
}

// awaitTakeOver says how long it takes until the projection has had what was in the log by the strike.
func (pg *postgres) awaitTakeOver(w *worker) time.Duration {
	pg.t.Helper()
	await(pg.t, fmt.Sprintf("the projection gets to position %d", w.head), func() bool {
		checkpoint, _ := pg.standing()
		return checkpoint >= w.head
	})
	return time.Since(w.struck)
}
