package eventstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

const selectRead = `
SELECT (SELECT COALESCE(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE schemaname = 'eventlog')
  + (SELECT COALESCE(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE schemaname = 'eventlog')`

// The plans of the doors are made while every table is empty, and PostgreSQL has been told so; whatever comes then, a command
// reads a few rows.
func TestAppendReadsNoMoreAsItGrows(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{1, 50} {
		t.Run(fmt.Sprint(atOnce, " at once"), func(t *testing.T) {
			t.Parallel()
			const users = 1000
			if read := rowsReadFor(t, users, atOnce); read == 0 || read > 20*2*users {
				t.Errorf("%d rows were read for %d commands", read, 2*users)
			} else {
				t.Logf("%d rows were read for %d commands", read, 2*users)
			}
		})
	}
}

// rowsReadFor has two commands carried out for each user, and returns how many rows of tables and indexes that took.
func rowsReadFor(t *testing.T, users, atOnce int) (read int64) {
	t.Helper()
	db := pgtest.DB(t)
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	if _, err := admin.Exec(t.Context(), "VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	log := openOn(t, pgtest.Pool(t, db.URL))
	for range users / atOnce {
		var all sync.WaitGroup
		for range atOnce {
			all.Go(func() { makeAndRename(t, log) })
		}
		all.Wait()
	}
	closeLog(log) // what it has read is counted at the end of its session
	for end := time.Now().Add(10 * time.Second); read == 0 && time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if err := admin.QueryRow(t.Context(), selectRead).Scan(&read); err != nil {
			t.Fatal(err)
		}
	}
	return read
}

func makeAndRename(t *testing.T, log *eventstore.Log) {
	id := newID()
	first, second := []eventstore.Claim{{Scope: "name", Key: "first " + id.String()}}, []eventstore.Claim{{Scope: "name", Key: "second " + id.String()}}
	made, renamed := command(id, 0, "Made"), command(id, 1, "Renamed")
	made.Take, made.Key = first, &eventstore.Key{Hash: id[:], Fingerprint: id[:], Outcome: []byte("{}")}
	renamed.Release, renamed.Take = first, second
	for _, c := range []eventstore.Command{made, renamed} {
		if _, err := log.Append(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
}
