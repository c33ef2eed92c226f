package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/users"
)

const (
	shortHistory = 1_000 // events of the user to compare with
	perAppend    = 50    // events in one append, so that they share an instant
	asksPerTurn  = 300
)

// past asks what two users looked like in the middle of their histories, a long one and a short one.
func (b *bench) past(ctx context.Context) error {
	longURL, err := b.history(ctx, b.long)
	if err != nil {
		return err
	}
	shortURL, err := b.history(ctx, shortHistory)
	if err != nil {
		return err
	}
	c, err := dial(ctx, b.service.addr)
	if err != nil {
		return err
	}
	defer c.close()
	for round := range b.rounds {
		for _, ask := range []struct {
			events int
			url    string
		}{{b.long, longURL}, {shortHistory, shortURL}} {
			m := measurement{contender: serviceName, load: asOf(ask.events), connections: 1, round: round}
			if err := b.askPast(c, m, ask.url); err != nil {
				return err
			}
		}
	}
	return nil
}

func asOf(events int) string { return fmt.Sprintf("GET as_of, %d events", events) }

func (b *bench) askPast(c *connection, m measurement, url string) error {
	began := time.Now()
	t := tally{}
	for range asksPerTurn {
		asked := time.Now()
		if err := ask(c, url); err != nil {
			return err
		}
		t.latencies = append(t.latencies, time.Since(asked))
	}
	t.took = time.Since(began)
	b.record(m.of(merge([]tally{t})))
	return nil
}

func ask(c *connection, url string) error {
	r, err := c.do("GET", url, "")
	if err == nil && r.status != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %s", url, r.status, r.body)
	}
	return err
}

const selectInstant = `SELECT recorded_at FROM eventlog.events WHERE stream_id = $1 AND version = $2`

// history gives a user so many events, with the snapshots that the service would have kept on the
// way, and returns the question after its middle: halfway between two snapshots.
func (b *bench) history(ctx context.Context, events int) (url string, err error) {
	id, err := b.seed(ctx, events)
	if err != nil {
		return "", fmt.Errorf("make a user with %d events: %w", events, err)
	}
	if err := b.pg.awaitProjection(ctx); err != nil {
		return "", err
	}
	if err := b.keepSnapshots(ctx, id, events); err != nil {
		return "", err
	}
	var at time.Time
	err = b.pg.admin.QueryRow(ctx, selectInstant, id, events/2+perAppend).Scan(&at)
	return "/v1/users/" + id.String() + "?as_of=" + at.UTC().Format("2006-01-02T15:04:05.000000Z"), err
}

// seed writes the events past HTTP, many in one append.
func (b *bench) seed(ctx context.Context, events int) (uuid.UUID, error) {
	pool, err := pgxpool.New(ctx, b.pg.url(serviceName))
	if err != nil {
		return uuid.Nil, err
	}
	defer pool.Close()
	log := eventstore.Open(pool)
	defer log.Close(ctx)
	id, err := uuid.NewV7()
	command := eventstore.Command{StreamType: domain.StreamType, StreamID: id, Metadata: eventstore.Metadata{Actor: "bench", Source: "import"}}
	for version := 0; err == nil && version < events; version += perAppend {
		command.ExpectedVersion = version
		if command.Events, err = eventsAfter(version); err == nil {
			_, err = log.Append(ctx, command)
		}
	}
	return id, err
}

func eventsAfter(version int) ([]eventstore.Event, error) {
	var events []eventstore.Event
	for n := version + 1; n <= version+perAppend; n++ {
		name := "Ada the " + strconv.Itoa(n)
		var e domain.Event = domain.UserProfileChanged{DisplayName: &name}
		if n == 1 {
			e = domain.UserCreated{Email: newAddress(), DisplayName: name}
		}
		typ, schema, data, err := domain.Encode(e)
		id, errID := uuid.NewV7()
		if err := errors.Join(err, errID); err != nil {
			return nil, err
		}
		events = append(events, eventstore.Event{ID: id, Type: typ, SchemaVersion: schema, Data: data})
	}
	return events, nil
}

const selectNewestSnapshot = `SELECT COALESCE(max(version), 0) FROM derived.snapshots WHERE stream_id = $1`

// A read makes the snapshots that it misses, as long as they are not too many at once.
const snapshotsAtOnce = 100

func (b *bench) keepSnapshots(ctx context.Context, id uuid.UUID, events int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := dial(ctx, b.service.addr)
	if err != nil {
		return err
	}
	defer c.close()
	for version := 0; version < events; {
		version = min(version+snapshotsAtOnce*users.DefaultSnapshotEvery, events)
		if err := ask(c, "/v1/users/"+id.String()+"?version="+strconv.Itoa(version)); err != nil {
			return err
		}
		err := b.pg.await(ctx, "snapshots", func() (bool, error) {
			var newest int
			err := b.pg.admin.QueryRow(ctx, selectNewestSnapshot, id).Scan(&newest)
			return newest > version-users.DefaultSnapshotEvery, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
