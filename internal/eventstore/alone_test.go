package eventstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A command alone takes another way through the log than one of many. Both must come to the same.
func TestCommandAloneIsJudgedLikeOneOfMany(t *testing.T) {
	t.Parallel()
	alone, among := connect(t), connect(t)
	rng := rand.New(rand.NewPCG(5, 6))
	streams := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	var sent []Command
	stored := map[int]bool{} // whose events are in the log
	versions, verdicts := map[uuid.UUID]int{}, map[string]int{}
	for i := range 900 {
		c, before := randomCommand(rng, streams, versions), i
		if len(sent) > 0 && rng.IntN(5) == 0 {
			before = rng.IntN(len(sent))
			c = sent[before] // the same ids
		}
		sent = append(sent, c)
		one, many := send(t, alone, c), send(t, among, c, Command{StreamType: "other", StreamID: uuid.New(), Events: someEvents(1)})
		if diff := cmp.Diff(many, one); diff != "" {
			t.Fatalf("command %d, %+v (-among others +alone): %s", i, c, diff)
		}
		verdict, version, _ := strings.Cut(one, " ")
		switch {
		case verdict == "appended" && stored[before]:
			verdict = "repeated"
		case verdict == "appended", verdict == "conflict":
			versions[c.StreamID], _ = strconv.Atoi(version)
		}
		stored[i] = len(c.Events) > 0 && (verdict == "appended" || verdict == "repeated")
		verdicts[fmt.Sprintf("%s, fits: %v", verdict, c.fitsAlone())]++
	}
	for _, verdict := range []string{"appended", "repeated", "conflict", "claimed", "replayed"} {
		for _, kind := range []string{verdict + ", fits: false", verdict + ", fits: true"} {
			if verdicts[kind] == 0 {
				t.Errorf("no command came to %q: %v", kind, verdicts)
			}
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

func randomCommand(rng *rand.Rand, streams []uuid.UUID, versions map[uuid.UUID]int) Command {
	c := Command{StreamType: "thing", StreamID: streams[rng.IntN(len(streams))], Events: linked(rng, someEvents(rng.IntN(3)))}
	c.ExpectedVersion = max(0, versions[c.StreamID]+rng.IntN(4)/3-rng.IntN(4)/3) // wrong now and then
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

// send appends a batch and tells what its first command came to, in words that do not depend on the others.
func send(t *testing.T, conn *pgx.Conn, commands ...Command) string {
	t.Helper()
	var batch []*pending
	for _, c := range commands {
		batch = append(batch, &pending{Command: c})
	}
	outcomes, err := call(t.Context(), conn, batch, time.Now().Add(time.Minute))
	if err != nil {
		return "refused: " + newRefusal(err).Error()
	}
	var conflict *VersionConflict
	var claimed *ClaimTaken
	switch o := outcomes[0]; {
	case errors.As(o.err, &conflict):
		return fmt.Sprint("conflict ", conflict.Current)
	case errors.As(o.err, &claimed):
		return "claimed"
	case o.Replayed != nil:
		return fmt.Sprint("replayed ", o.Replayed.Version)
	default:
		return fmt.Sprint("appended ", o.Version)
	}
}

// contents is what is stored, without positions and times.
func contents(t *testing.T, conn *pgx.Conn) (lines []string) {
	t.Helper()
	for _, sql := range []string{
		`SELECT concat_ws(' ', stream_id, version, event_id, type, schema_version, data, metadata) FROM eventlog.events WHERE stream_type = 'thing' ORDER BY stream_id, version`,
		`SELECT concat_ws(' ', scope, key, stream_id) FROM eventlog.claims ORDER BY scope, key`,
		`SELECT concat_ws(' ', k.key, k.fingerprint, k.stream_id, k.version, k.outcome, e.event_id, e.recorded_at = k.recorded_at)
			FROM eventlog.idempotency_keys k LEFT JOIN eventlog.events e USING (position) ORDER BY k.key`,
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
