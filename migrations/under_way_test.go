package migrations_test

import (
	"context"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/migrations"
)

const appendOne = `
SELECT eventlog.append_events(clock_timestamp() + interval '1 minute',
  ARRAY[gen_random_uuid()], ARRAY['thing'], ARRAY[0], ARRAY['{}']::jsonb[], ARRAY[1], ARRAY[gen_random_uuid()],
  ARRAY[NULL]::bytea[], ARRAY[NULL]::bytea[], ARRAY[NULL]::jsonb[],
  ARRAY[1], ARRAY[gen_random_uuid()], ARRAY[1], ARRAY['Made'], ARRAY[1], ARRAY['{}']::jsonb[],
  NULL, NULL, NULL, NULL)`

// Replicas of the release before are at work while the newest migration is committed. An append that waits for its turn then goes
// on in the function as it was, with what that calls.
func TestAppendUnderWayOutlivesTheNewestMigration(t *testing.T) {
	t.Parallel()
	url := pgtest.DB(t).AdminURL
	must(t, migrations.Down(t.Context(), url, 1))
	pool := pgtest.Pool(t, url)
	other, err := pool.Begin(t.Context())
	must(t, err)
	defer other.Rollback(context.Background())
	_, err = other.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7310579)")
	must(t, err)

	result := make(chan error, 1)
	go func() { _, err := pool.Exec(t.Context(), appendOne); result <- err }()
	waiting := `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`
	eventually(t, func() bool { return ask[int](t, url, waiting) == 1 })
	up(t, url)
	must(t, other.Rollback(t.Context()))
	if err := <-result; err != nil {
		t.Errorf("the append that was under way: %v", err)
	}
	if stored := ask[int](t, url, "SELECT count(*) FROM eventlog.events"); stored != 1 {
		t.Errorf("%d events are stored, want 1", stored)
	}
}
