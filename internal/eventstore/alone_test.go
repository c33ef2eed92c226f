package eventstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A command alone takes another way through the door than one of many. Both must come to the same.
func TestCommandAloneIsJudgedLikeOneOfMany(t *testing.T) {
	t.Parallel()
	alone, among := connect(t), connect(t)
	rng := rand.New(rand.NewPCG(5, 6))
	streams := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	var sent []Command
	verdicts := map[string]int{}
	for i := range 600 {
		c := randomCommand(rng, streams)
		if len(sent) > 0 && rng.IntN(5) == 0 {
			c = sent[rng.IntN(len(sent))] // again, the same ids
		}
		sent = append(sent, c)
		one, many := send(t, alone, c), send(t, among, c, Command{StreamType: "other", StreamID: uuid.New(), Events: someEvents(1)})
		if diff := cmp.Diff(many, one); diff != "" {
			t.Fatalf("command %d, %+v (-among others +alone): %s", i, c, diff)
		}
		verdicts[one[:4]]++
	}
	for _, want := range []string{"appe", "conf", "clai", "repl", "repe"} {
		if verdicts[want] == 0 {
			t.Errorf("no command came to %q: %v", want, verdicts)
		}
	}
	if diff := cmp.Diff(contents(t, among), contents(t, alone)); diff != "" {
		t.Error("what is stored (-among others +alone):", diff)
	}
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func randomCommand(rng *rand.Rand, streams []uuid.UUID) Command {
	c := Command{StreamType: "thing", StreamID: streams[rng.IntN(len(streams))], ExpectedVersion: rng.IntN(12), Events: linked(rng, someEvents(rng.IntN(3)))}
	names := rng.Perm(6)
	for _, n := range names[:rng.IntN(2)] {
		c.Release = append(c.Release, Claim{"name", fmt.Sprint(n)})
	}
	for _, n := range names[4:][:rng.IntN(3)] {
		c.Take = append(c.Take, Claim{"name", fmt.Sprint(n)})
	}
	if rng.IntN(3) == 0 {
		k := []byte{byte(rng.IntN(40))}
		c.Key = &Key{Hash: k, Fingerprint: k, Outcome: []byte(`{}`)}
	}
	return c
}

func someEvents(n int) (events []Event) {
	for range n {
		events = append(events, Event{ID: uuid.New(), Type: "Made", SchemaVersion: 1, Data: []byte(`{}`)})
	}
	return events
}

// linked gives some events a cause of their own.
func linked(rng *rand.Rand, events []Event) []Event {
	for i := range events {
		if rng.IntN(2) == 0 {
			events[i].CausationID = new(uuid.New())
		}
	}
	return events
}

// send appends a batch and tells what its first command came to, without what the company changes.
func send(t *testing.T, conn *pgx.Conn, commands ...Command) string {
	t.Helper()
	var batch []*pending
	for _, c := range commands {
		batch = append(batch, &pending{Command: c})
	}
	args, err := newArguments(batch)
	if err != nil {
		t.Fatal(err)
	}
	var verdict string
	var version *int
	rows, _ := conn.Query(t.Context(), `SELECT verdict, version FROM eventlog.append_events(
		$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`, args.values(time.Now().Add(time.Minute))...)
	_, err = pgx.ForEachRow(rows, []any{&verdict, &version}, func() error {
		if version != nil {
			verdict = fmt.Sprint(verdict, " ", *version)
		}
		return errFirst
	})
	if err != nil && err.Error() != errFirst.Error() {
		return "refused: " + newRefusal(err).Error()
	}
	return verdict
}

var errFirst = fmt.Errorf("the first row is enough")

// contents is what is stored, without positions and times.
func contents(t *testing.T, conn *pgx.Conn) (lines []string) {
	t.Helper()
	for _, sql := range []string{
		`SELECT concat_ws(' ', stream_id, version, event_id, type, metadata) FROM eventlog.events WHERE stream_type = 'thing' ORDER BY stream_id, version`,
		`SELECT concat_ws(' ', scope, key, stream_id) FROM eventlog.claims ORDER BY scope, key`,
		`SELECT concat_ws(' ', key, fingerprint, stream_id, version) FROM eventlog.idempotency_keys ORDER BY key`,
	} {
		rows, _ := conn.Query(t.Context(), sql)
		more, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, more...)
	}
	return lines
}
