package torture

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var (
	operations = times{400, 6_000, 20_000}
	registers  = times{20, 100, 200} // a list has room for 200
)

const listClients = 4

// Users are read by id, and written by clients that name the version they know, while PostgreSQL is killed
// again and again. What the clients saw can be put into one order in which every operation took effect at
// once, between its request and its answer: Porcupine finds such an order, or that there is none. Lists that
// wait for a position show whatever their client wrote before, and never go back.
func TestLinearizability(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	w := newWitness(t, serve(t, pg.url("usersvc")))
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	for n := range clientsOfAService {
		all.Go(func() { w.operate(n) })
	}
	for n := range listClients {
		all.Go(func() { w.list(clientsOfAService + n) })
	}
	kills := databaseKills.now()
	for kill := range kills {
		await(t, "operations go on", func() bool { return w.done.Load() > int64(operations.now()*(kill+1)/(kills+1)) })
		pg.killAndRestart()
	}
	all.Wait()
	verdict := porcupine.CheckOperationsTimeout(register, w.history, 5*time.Minute)
	if verdict != porcupine.Ok {
		t.Errorf("the operations on users are not linearizable: %s", verdict)
	}
	t.Logf("%d operations on %d users, of which %d answered nothing, over %d kills of PostgreSQL: %s; %d lists",
		len(w.history), len(w.users), w.missing, kills, verdict, w.lists.Load())
}

// witness writes down what clients asked, what they were told, and when.
type witness struct {
	t     *testing.T
	s     *service
	began time.Time
	users []string
	known []atomic.Int64 // the newest version of each that any client was told of
	start int64          // the position at which all of them exist

	done, lists atomic.Int64
	mu          sync.Mutex
	history     []porcupine.Operation
	missing     int
}

// note keeps an operation that began at call and has just been answered.
func (w *witness) note(client int, in asked, out told, call time.Duration) {
	o := porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(call), Return: int64(time.Since(w.began))}
	w.mu.Lock()
	defer w.mu.Unlock()
	if out.missing {
		w.missing++
		o.Return = never
	}
	w.history = append(w.history, o)
	w.done.Add(1)
}
