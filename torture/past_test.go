package torture

import (
	"slices"
	"testing"
	"time"
)

var (
	histories    = times{12, 60, 300}
	stepsOfThem  = times{12, 20, 20}
	pastQueries  = times{100, 500, 2000}
	pastInstants = times{30, 200, 1000} // remembered while writes run
)

const (
	usersOfThem   = 50
	pastPerSecond = 100
	rememberers   = 4
)

// Random histories of some users are written through several replicas, with deletions and with addresses that others
// had before. Meanwhile lists, users and changes of the past are read, page by page, and remembered. Asked for again
// when everything has settled, and after a rebuild, the answers are the same to the byte; and they, like any others,
// are what a model makes of the exported log.
func TestPast(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.slowDown()
	all := serveReplicas(t, pg)
	b := newBustle(t, all)
	finished := b.start()
	m := b.remember(pastInstants.now())
	finished()
	pg.awaitProjection()
	exported := pg.export()
	asked := make([]question, 0, pastQueries.now())
	for n, rng := 0, chance(-1); n < pastQueries.now(); n++ {
		asked = append(asked, exported.ask(rng))
	}
	for _, r := range m {
		r.check(t, exported)
	}
	found := exported.checkAll(t, all, asked)
	m.askAgain(t, all, "after everything has settled")
	all.target(0).rebuildOnce(t, pg)
	m.askAgain(t, all, "after a rebuild")
	exported.checkAll(t, all, asked[:len(asked)/10])
	t.Logf("%d events of %d users in %d histories; %d answers remembered while they were written; %d questions about the past, %d rows of answers",
		len(exported.events), len(exported.lives), histories.now(), len(m), len(asked), found)
}

// slowDown has each commit take as long as on a slow disk, so that many a moment falls into one.
func (pg *postgres) slowDown() {
	pg.t.Helper()
	for _, sql := range []string{"ALTER SYSTEM SET commit_delay = 5000", "ALTER SYSTEM SET commit_siblings = 0", "SELECT pg_reload_conf()"} {
		pg.exec(sql)
	}
}

// remembered is a question that was asked while writes went on, and what was answered.
type remembered struct {
	question
	pages []string
}

type memory []remembered

// remember asks about the present moment, again and again.
func (b *bustle) remember(n int) (m memory) {
	b.t.Helper()
	parts := make([]memory, rememberers)
	for i := range parts {
		b.over.Go(func() {
			rng := chance(-100 - i)
			for range n / rememberers {
				q := b.present(rng)
				parts[i] = append(parts[i], remembered{q, b.all.target(rng.IntN(len(b.all))).pages(b.t, q)})
				<-time.After(time.Duration(rng.IntN(20)) * time.Millisecond)
			}
		})
	}
	b.over.Wait()
	return slices.Concat(parts...)
}

func (m memory) askAgain(t *testing.T, all replicas, when string) {
	t.Helper()
	changed := 0
	for n, r := range m {
		if again := all.target(n).pages(t, r.question); !slices.Equal(again, r.pages) {
			if changed++; changed == 1 {
				t.Errorf("%s, %s is answered with\n%.2000q\nand was\n%.2000q", when, r.path(), again, r.pages)
			}
		}
	}
	if changed > 0 {
		t.Errorf("%s, %d of %d answers are not what they were", when, changed, len(m))
	}
}
