package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// The loads that are put on the contenders.
const (
	commands = "commands" // half creates, half changes of address
	gets     = "GET"      // of one user, by id
	known    = "GET, 304" // the same, by a client that has it
	overload = "commands, overload"
	// No HTTP, but rows, by pgbench.
	inserts = "INSERT"
	batches = "INSERT of 128 rows"
	selects = "SELECT by key"
)

var commandConnections = []int{1, 32, 128}

var getConnections = []int{1, 64}

const (
	pgbenchConnections = 32
	// Lag is of interest when most is written.
	lagConnections = 128
)

// round measures everything once, each contender right after the one that it is compared with. Each
// round another one begins: what the database tidies up behind one cell falls on the next, and must not
// fall on the same contender every time.
func (b *bench) round(ctx context.Context, round int) error {
	for _, connections := range commandConnections {
		for i := range writers {
			name := writers[(round+i)%len(writers)]
			m := measurement{contender: name, load: commands, connections: connections, round: round}
			if err := b.commands(ctx, m); err != nil {
				return fmt.Errorf("%s, %d connections: %w", m.contender, m.connections, err)
			}
		}
	}
	for _, rate := range openRates {
		for i := range shortlist {
			m := measurement{contender: shortlist[(round+i)%len(shortlist)], load: atRate(rate), connections: openConnections, round: round}
			if err := b.openLoad(ctx, m, rate); err != nil {
				return fmt.Errorf("%s, %d a second: %w", m.contender, rate, err)
			}
		}
	}
	if err := b.commands(ctx, measurement{contender: serviceName, load: overload, connections: b.crowd, round: round}); err != nil {
		return fmt.Errorf("overload: %w", err)
	}
	for _, f := range floors {
		if err := b.floor(ctx, f, round); err != nil {
			return err
		}
	}
	for _, longer := range slowdowns {
		if err := b.onSlowDisk(ctx, longer, round); err != nil {
			return err
		}
	}
	ids, err := b.pg.someUsers(ctx)
	if err != nil {
		return err
	}
	for _, connections := range getConnections {
		for i := range readers {
			m := measurement{contender: readers[(round+i)%len(readers)], load: gets, connections: connections, round: round}
			if err := b.drive(ctx, m, func(int) client { return getter(ids) }); err != nil {
				return fmt.Errorf("%s, GET: %w", m.contender, err)
			}
		}
		m := measurement{contender: serviceName, load: known, connections: connections, round: round}
		if err := b.drive(ctx, m, func(int) client { return &knower{ids: ids, tags: map[uuid.UUID]string{}} }); err != nil {
			return fmt.Errorf("%s, GET of what is known: %w", m.contender, err)
		}
	}
	return nil
}

// The rates of the open load: a quiet service, a busy one, and what a plain table hardly bears.
var openRates = []int{500, 2000, 5000}

const openConnections = 128

func atRate(perSecond int) string { return fmt.Sprintf("commands, %s/s", count(float64(perSecond))) }

// openLoad loads a contender at a fixed rate.
func (b *bench) openLoad(ctx context.Context, m measurement, perSecond int) error {
	t, err := driveOpen(ctx, b.process(m.contender).addr, m.connections, perSecond, b.warmUp, b.period, func(connection int) client { return newCommander(connection) })
	if err != nil {
		return err
	}
	b.record(m.of(t))
	return b.pg.awaitProjection(ctx)
}

func (b *bench) process(contender string) *process {
	if contender == serviceName {
		return b.service
	}
	return b.plain[contender]
}

var (
	shortlist = []string{serviceName, oneStatementName, crudName}
	writers   = []string{serviceName, oneStatementName, crudName, listedName, naiveName}
	readers   = []string{serviceName, plainGetName, helloName}
)

// commands loads a contender with commands. What the service's relay has left over is its own affair,
// and is waited for before the next contender's turn.
func (b *bench) commands(ctx context.Context, m measurement) error {
	stop := func() error { return nil }
	if m.contender == serviceName && m.load == commands && m.connections == lagConnections {
		var err error
		if stop, err = b.watchLag(ctx); err != nil {
			return err
		}
	}
	err := b.drive(ctx, m, func(connection int) client { return newCommander(connection) })
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return b.pg.awaitProjection(ctx)
}

func (b *bench) drive(ctx context.Context, m measurement, newClient func(connection int) client) error {
	p := b.process(m.contender)
	before := b.cpuTime(p)
	t, err := drive(ctx, p.addr, m.connections, b.warmUp, b.period, newClient)
	if err != nil {
		return err
	}
	m = m.of(t)
	m.cpu = (b.cpuTime(p) - before) / time.Duration(max(1, t.all))
	b.record(m)
	return nil
}

func (b *bench) floor(ctx context.Context, f floor, round int) error {
	if b.pgbench == nil {
		return nil // it has been said that there is none
	}
	before, began := b.serverTime(), time.Now()
	rate, err := b.pgbench.run(ctx, f, b.period)
	if err != nil {
		return err
	}
	rows := rate * time.Since(began).Seconds()
	b.record(measurement{
		contender: pgbenchName, load: f.load, connections: f.clients, round: round,
		perSecond: rate, cpu: time.Duration(float64(b.serverTime()-before) / max(1, rows)),
	})
	return nil
}

func (b *bench) record(m measurement) {
	b.say("round %d of %d: %s", m.round+1, b.rounds, m)
	b.report.measurements = append(b.report.measurements, m)
}
