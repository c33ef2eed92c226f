package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/migrations"
)

// The connection is cut between COMMIT and its reply: the log finds out by itself what happened.
func TestAppendWhoseReplyIsLostIsSettled(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	proxy := pgtest.NewProxy(t, db.URL)
	pool, err := pgxpool.New(t.Context(), proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log := eventstore.Open(pool)
	defer closeLog(log)

	const cuts = 50
	id, version := newID(), 0
	mustAppend(t, log, command(newID(), 0, "Begun"))
	for n := range cuts {
		proxy.CutAfterCommit(1)
		c := withKey(command(id, version, []string{"Made", "Painted"}[n%2:]...), fmt.Sprint("key ", n)) // through both doors
		c.Take = claim(fmt.Sprint("name ", n))
		version += len(c.Events)
		if got := mustAppend(t, log, c); got.Version != version || got.Position != int64(version+1) {
			t.Fatalf("append %d: %+v", n, got)
		}
	}
	if n := proxy.Cuts(); n != cuts {
		t.Errorf("%d connections were cut, want %d", n, cuts)
	}
	events := all(t, pgtest.Pool(t, db.URL))
	checkOrder(t, events)
	if len(events) != version+1 {
		t.Errorf("%d events, want %d", len(events), version+1)
	}
}

// Result rows come before the commit. With a standby that never answers, the commit does not finish,
// and nobody may be told that it did.
func TestNobodyIsToldBeforeTheCommit(t *testing.T) {
	t.Parallel()
	server, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: t.TempDir(), Database: "usersvc"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	adminURL := server.URL("postgres", "usersvc")
	if err := migrations.Up(t.Context(), adminURL); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), adminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	pool, err := pgxpool.New(t.Context(), server.URL("usersvc", "usersvc"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log := eventstore.Open(pool)
	defer closeLog(log)
	id := newID()
	mustAppend(t, log, command(id, 0, "Made"))

	configure(t, admin, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
	waitUntilCommitsHang(t, adminURL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := command(id, 1, "Painted")
	if got, err := log.Append(ctx, c); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append without the standby: %+v, %v; want ErrOutcomeUnknown", got, err)
	}
	configure(t, admin, "ALTER SYSTEM RESET synchronous_standby_names")
	if got := mustAppend(t, log, c); got.Version != 2 || got.Position != 2 {
		t.Errorf("the same append again: %+v, want version 2 at position 2", got)
	}
	if n := len(all(t, pool)); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

// What the database has rolled back did not happen, however often it was tried, and whoever stops waiting is told so.
func TestAppendThatIsRolledBackIsNotUnknown(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	log := eventstore.Open(pgtest.Pool(t, db.URL))
	defer closeLog(log)
	id := newID()
	mustAppend(t, log, command(id, 0, "Made"))
	makeRoom := db.FillDisk(t)
	certain := false
	for tries := 0; !certain && tries < 50; tries++ {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		got, err := log.Append(ctx, command(id, 1, "Painted"))
		cancel()
		certain = errors.Is(err, eventstore.ErrUnavailable) && strings.Contains(err.Error(), "53100")
		if !certain && !errors.Is(err, eventstore.ErrOutcomeUnknown) { // it was being tried just then
			t.Errorf("append to a full disk: %+v, %v", got, err)
		}
	}
	if !certain {
		t.Error("of fifty appends to a full disk nobody was told that they did not happen")
	}
	makeRoom()
	if got := mustAppend(t, log, command(id, 1, "Sold")); got.Version != 2 || got.Position != 2 {
		t.Errorf("another append afterwards: %+v, want version 2 at position 2: nothing happens later", got)
	}
}

// waitUntilCommitsHang returns when the server has taken note of the standby that never answers.
func waitUntilCommitsHang(t *testing.T, url string) {
	t.Helper()
	for hangs := false; !hangs; {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			_, err = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS public.scratch (); DROP TABLE public.scratch")
			hangs = pgconn.Timeout(err)
			conn.Close(context.WithoutCancel(ctx))
		}
		cancel()
	}
}

func configure(t *testing.T, admin *pgx.Conn, sql string) {
	t.Helper()
	for _, statement := range []string{sql, "SELECT pg_reload_conf()"} {
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithdrawnCommandIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.Host = t.TempDir() // no server there
	config.ConnConfig.Fallbacks = nil
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log := eventstore.Open(pool)
	defer closeLog(log)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := log.Append(ctx, command(newID(), 0, "Made")); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append without a server: %v, want ErrUnavailable", err)
	}
}

func TestClosedLogTakesNoCommands(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	log := eventstore.Open(pool)
	mustAppend(t, log, command(newID(), 0, "Made"))
	closeLog(log)
	if _, err := log.Append(t.Context(), command(newID(), 0, "Made")); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append after Close: %v, want ErrUnavailable", err)
	}
}
