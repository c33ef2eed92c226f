package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

func idOf(t *testing.T, path string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(strings.TrimPrefix(path, "/v1/users/"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// scans counts how often the log is read for the feed.
type scans struct{ n atomic.Int64 }

func (s *scans) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "SELECT head.position, e.position") {
		s.n.Add(1)
	}
	return ctx
}

func (s *scans) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A thousand streams to which nothing happens cost one query each time that something does, together.
func TestThousandIdleStreams(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	queries := new(scans)
	config.ConnConfig.Tracer = queries
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := bootOn(t, pool)
	address, client := listen(t, s), newClient(t)
	path := s.create(t, "ada@example.com")
	streams := make([]*stream, 1000)
	for i := range streams {
		streams[i] = subscribe(t, client, address, "")
		streams[i].wantEvent(1, "UserCreated")
	}
	const events = 20
	began, before := time.Now(), queries.n.Load()
	for i := range events {
		s.want(t, 200, "", "PUT", fmt.Sprintf("%s/roles/r%d", path, i), "")
		var all sync.WaitGroup
		for _, one := range streams {
			all.Go(func() {
				if b, err := one.readEvent(); err != nil || b.id != fmt.Sprint(i+2) {
					t.Errorf("%+v, %v", b, err)
				}
			})
		}
		all.Wait()
	}
	n, polls := queries.n.Load()-before, int64(time.Since(began)/(200*time.Millisecond))
	t.Logf("%d events for 1,000 streams: %d queries, of which up to %d were polls", events, n, polls+1)
	if n > events+polls+2 {
		t.Errorf("%d queries for %d events and at most %d polls", n, events, polls+1)
	}
}

// Clients that do not read are dropped, hold up nobody, are not buffered for, and come back for the rest.
func TestSlowClientIsDropped(t *testing.T) {
	s := boot(t)
	address := listen(t, s)
	slow := make([]net.Conn, 10)
	for i := range slow {
		var err error
		if slow[i], err = new(net.Dialer).DialContext(t.Context(), "tcp", address); err != nil {
			t.Fatal(err)
		}
		defer slow[i].Close()
		if _, err := io.WriteString(slow[i], "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for s.feed.Open() < len(slow) {
		<-time.After(time.Millisecond)
	}
	fast := subscribe(t, newClient(t), address, "")
	const events, size = 400, 30_000
	before := inUse()
	commands := make([]eventstore.Command, events)
	for i := range commands {
		commands[i] = eventstore.Command{StreamType: "user", StreamID: uuid.New(), Events: []eventstore.Event{
			{ID: uuid.New(), Type: "Long", SchemaVersion: 1, Data: fmt.Appendf(nil, `{"text":"%0*d"}`, size, i)}}}
	}
	for i, err := range s.log.AppendAll(t.Context(), commands) {
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	for i := range events {
		if b := fast.next(); b.id != fmt.Sprint(i+1) {
			t.Fatalf("the fast one got %q as number %d", b.id, i+1)
		}
	}
	if grown := (inUse() - before) >> 20; grown > 40 { // the newest 500 are kept once: 12 MB; for each client it would be 120
		t.Errorf("%d MB more in use", grown)
	}
	for began := time.Now(); s.feed.Open() > 1; <-time.After(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d slow clients are still there", s.feed.Open()-1)
		}
	}
	s.resumeSlow(t, slow[0], address, events)
}

// resumeSlow reads what the slow client was sent, and has it come back for the rest.
func (s *stack) resumeSlow(t *testing.T, conn net.Conn, address string, events int) {
	t.Helper()
	sent, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("the connection ended with %v", err)
	}
	whole := strings.LastIndex(string(sent), "\n\n") + 1
	last := 0
	for line := range strings.SplitSeq(string(sent[:whole]), "\n") {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			_, _ = fmt.Sscan(id, &last)
		}
	}
	if last == 0 || last >= events {
		t.Fatalf("the slow client had %d events", last)
	}
	again := subscribe(t, newClient(t), address, "", fmt.Sprintf("Last-Event-ID: %d", last))
	for i := last + 1; i <= events; i++ {
		if b := again.next(); b.id != fmt.Sprint(i) {
			t.Fatalf("%q where %d was due", b.id, i)
		}
	}
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
