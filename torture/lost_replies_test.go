package torture

import (
	"fmt"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
)

var cuts = times{10, 50, 200}

// The connection between service and database is cut when the database has committed and the service has
// not heard of it. Clients repeat, with their keys, what was not answered: each key has one event, and nobody
// is told that nothing had happened.
func TestLostReplies(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	proxy := pgtest.NewProxy(t, pg.url("usersvc"))
	s := serve(t, proxy.URL)
	l := (&load{t: t, clients: 16, target: at(s), keyed: true}).start()
	for cut := range cuts.now() {
		l.await(int(l.acknowledged.Load()) + 10)
		proxy.CutAfterCommit(1)
		await(t, fmt.Sprintf("cut %d", cut+1), func() bool { return proxy.Cuts() > int64(cut) })
	}
	l.stop()
	l.checkProjection(pg)
	t.Logf("%d replies to a commit were cut off", proxy.Cuts())
}
