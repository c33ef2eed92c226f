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
SELECT COALESCE(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE schemaname = 'eventlog'`

// The plans of the door are made while every table is empty, and PostgreSQL has been told so; whatever comes then, a command
// reads a few rows.
func TestAppendReadsNoMoreAsItGrows(t *testing.T) {
	t.Parallel()
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
	const rounds, atOnce = 20, 50
	for round := range rounds {
		var all sync.WaitGroup
		for i := range atOnce {
			all.Go(func() {
				id := newID()
				name := func(s string) []eventstore.Claim {
					return []eventstore.Claim{{Scope: "name", Key: fmt.Sprintf("%s %d %d", s, round, i)}}
				}
				made := command(id, 0, "Made")
				made.Take, made.Key = name("first"), &eventstore.Key{Hash: id[:], Fingerprint: id[:], Outcome: []byte("{}")}
				changed := command(id, 1, "Changed")
				changed.Release, changed.Take = name("first"), name("second")
				for _, c := range []eventstore.Command{made, changed} {
					if _, err := log.Append(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	closeLog(log) // what it has read is counted at the end of its session
	var read int64
	for end := time.Now().Add(10 * time.Second); read == 0 && time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if err := admin.QueryRow(t.Context(), selectRead).Scan(&read); err != nil {
			t.Fatal(err)
		}
	}
	if commands := int64(2 * rounds * atOnce); read == 0 || read > 20*commands {
		t.Errorf("%d rows of indexes were read for %d commands", read, commands)
	} else {
		t.Logf("%d rows of indexes were read for %d commands", read, commands)
	}
}
