package eventstore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

const (
	writersPerProcess = 4
	appendsPerWriter  = 150
)

// Eight writers in two processes; a reader that polls throughout must see 1, 2, 3 … as they come.
func TestReaderSeesEveryPositionOnceAndInOrder(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	pool := pgtest.Pool(t, db.URL)
	seen, failed := soak(t, db.URL, pool)
	if failed > 0 {
		t.Errorf("%d appends failed", failed)
	}
	const want = 2 * writersPerProcess * appendsPerWriter
	if len(seen) != want {
		t.Errorf("the reader saw %d events, want %d", len(seen), want)
	}
	for i, position := range seen {
		if position != int64(i+1) {
			t.Fatalf("the reader saw position %d at place %d", position, i+1)
		}
	}
	checkOrder(t, all(t, pool))
}

// The test above has teeth: an append that comes while another is uncommitted waits for it and goes
// through. Without the lock it takes the other's position, and is refused.
func TestWithoutTheLockWritersTakeTheSamePosition(t *testing.T) {
	t.Parallel()
	for _, locked := range []bool{true, false} {
		db := pgtest.DB(t)
		if !locked {
			removeFromAppend(t, db, "PERFORM pg_advisory_xact_lock(7310579);")
		}
		pool := pgtest.Pool(t, db.URL)
		log := openOn(t, pool)
		mustAppend(t, log, command(newID(), 0, "Made"))
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), appendAnother); err != nil {
			t.Fatal(err)
		}
		answer := make(chan error, 1)
		go func() { _, err := log.Append(t.Context(), command(newID(), 0, "Made")); answer <- err }()
		waitUntilBlocked(t, pool)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; locked != (err == nil) {
			t.Errorf("with the lock: %v, the append that came second: %v", locked, err)
		}
	}
}

const appendAnother = `
SELECT eventlog.append_events(clock_timestamp() + interval '1 minute',
  ARRAY[gen_random_uuid()], ARRAY['thing'], ARRAY[0], ARRAY['{}']::jsonb[], ARRAY[1], ARRAY[gen_random_uuid()],
  ARRAY[NULL]::bytea[], ARRAY[NULL]::bytea[], ARRAY[NULL]::jsonb[],
  ARRAY[1], ARRAY[gen_random_uuid()], ARRAY[1], ARRAY['Made'], ARRAY[1], ARRAY['{}']::jsonb[],
  NULL, NULL, NULL, NULL)`

// waitUntilBlocked returns when a session waits for another one, whatever for.
func waitUntilBlocked(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for blocked := false; !blocked; {
		err := pool.QueryRow(t.Context(), `
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)`).Scan(&blocked)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// removeFromAppend takes a line out of both doors into the log, as their owner could.
func removeFromAppend(t *testing.T, db pgtest.Database, line string) {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for _, door := range []string{"eventlog.append_event", "eventlog.append_events"} {
		var body string
		if err := admin.QueryRow(t.Context(), "SELECT pg_get_functiondef($1::regproc)", door).Scan(&body); err != nil {
			t.Fatal(err)
		}
		if strings.Count(body, line) != 1 {
			t.Fatalf("%s does not hold %q once", door, line)
		}
		if _, err := admin.Exec(t.Context(), strings.Replace(body, line, "", 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// soak has both processes write while it reads, and returns the positions in the order in which they
// were seen and the number of appends that failed.
func soak(t *testing.T, url string, pool *pgxpool.Pool) (seen []int64, failed int) {
	t.Helper()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), writeTo+"="+url)
	other.Stderr = os.Stderr
	var written atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { seen = poll(t, pool, &written) })
	var output []byte
	var otherErr error
	var writers sync.WaitGroup
	writers.Go(func() { output, otherErr = other.Output() })
	log := openOn(t, pool)
	writers.Go(func() { failed = write(t.Context(), log) })
	writers.Wait()
	written.Store(true)
	wg.Wait()
	var failedThere int
	if _, err := fmt.Sscanf(string(output), "failed %d", &failedThere); err != nil || otherErr != nil {
		t.Fatalf("the other process said %q: %v, %v", output, err, otherErr)
	}
	return seen, failed + failedThere
}

// poll reads behind the last position it saw, until there is nothing more to come.
func poll(t *testing.T, pool *pgxpool.Pool, written *atomic.Bool) (seen []int64) {
	last := int64(0)
	for {
		over := written.Load() // before reading: what was written by then is read
		rows, _ := pool.Query(t.Context(), "SELECT position FROM eventlog.events WHERE position > $1 ORDER BY position", last)
		positions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			t.Error(err)
			return seen
		}
		if len(positions) > 0 {
			seen = append(seen, positions...)
			last = seen[len(seen)-1]
		} else if over {
			return seen
		}
	}
}

// write runs this process's share of the writers and returns how many appends failed.
func write(ctx context.Context, log *eventstore.Log) int {
	var failed atomic.Int64
	var wg sync.WaitGroup
	for range writersPerProcess {
		wg.Go(func() {
			stream := newID()
			for version := range appendsPerWriter {
				if _, err := log.Append(ctx, command(stream, version, "Counted")); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

// writeTo names the variable that makes the test binary the second writing process.
const writeTo = "EVENTSTORE_TEST_WRITE_TO"

func writeAsOtherProcess(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	log := eventstore.Open(pool)
	defer closeLog(log)
	_, err = fmt.Printf("failed %d\n", write(ctx, log))
	return err
}
