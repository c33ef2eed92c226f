package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// A migration for later: half of the log moves to another table, and nobody can tell.
func TestClosedRangesCanMove(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	log := openOn(t, pgtest.Pool(t, db.URL))
	streams := make([]uuid.UUID, 20)
	first := map[uuid.UUID]eventstore.Command{}
	for i := range streams {
		streams[i] = newID()
		first[streams[i]] = command(streams[i], 0, "Made", "Changed")
		mustAppend(t, log, first[streams[i]])
	}
	for i, id := range streams {
		mustAppend(t, log, command(id, 2, strings.Repeat("Changed ", i%3+1)))
	}
	before := all(t, pgtest.Pool(t, db.URL))
	closeLog(log)

	operator, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close(context.WithoutCancel(t.Context()))
	migration, err := os.ReadFile("../../migrations/later/archive.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operator.Exec(t.Context(), "BEGIN; "+string(migration)+" COMMIT"); err != nil {
		t.Fatal(err)
	}
	var moved int64
	for range 4 {
		var some int64
		if err := operator.QueryRow(t.Context(), "SELECT eventlog.archive_events(50, 13)").Scan(&some); err != nil {
			t.Fatal(err)
		}
		moved += some
	}
	if moved != 50 {
		t.Errorf("%d events have moved, want 50", moved)
	}

	pool := pgtest.Pool(t, db.URL)
	again := openOn(t, pool)
	if diff := cmp.Diff(before, all(t, pool)); diff != "" {
		t.Errorf("the log is another one (-before +after):\n%s", diff)
	}
	id := streams[3]
	loaded, err := again.Load(t.Context(), eventstore.Load{StreamType: "thing", StreamID: id, Limit: 100})
	if err != nil || len(loaded.Events) != 3 || loaded.Events[0].Version != 1 {
		t.Errorf("a stream that lies in both: %+v, %v", loaded, err)
	}
	place, _, err := again.PlaceAt(t.Context(), before[20].RecordedAt.Add(time.Microsecond))
	if err != nil || place.Position < 21 || place.Position > 22 {
		t.Errorf("a moment in the part that moved: %v, %v", place, err)
	}
	// The door still knows what it has: the same events once, another's version never, numbers without a gap.
	repeated := mustAppend(t, again, first[id])
	if repeated.Position != before[7].Position {
		t.Errorf("events that have moved were appended again, at %d", repeated.Position)
	}
	var conflict *eventstore.VersionConflict
	if _, err := again.Append(t.Context(), command(id, 1, "Forged")); !errors.As(err, &conflict) || conflict.Current != 3 {
		t.Errorf("an old version was taken: %v", err)
	}
	if next := mustAppend(t, again, command(id, 3, "Changed")); next.Position != int64(len(before))+1 {
		t.Errorf("the next position is %d", next.Position)
	}
	var waiting int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.outbox`).Scan(&waiting); err != nil || waiting != len(before)+1 {
		t.Errorf("%d events wait for the projection, %v", waiting, err)
	}
	for _, table := range []string{"recent_events", "archived_events"} {
		for _, sql := range []string{"DELETE FROM eventlog.%s", "UPDATE eventlog.%s SET type = 'Forged'", "TRUNCATE eventlog.%s"} {
			if _, err := operator.Exec(t.Context(), fmt.Sprintf(sql, table)); err == nil {
				t.Errorf(sql+" was carried out", table)
			}
		}
	}
}
