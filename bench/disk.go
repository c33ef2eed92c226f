package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a commit waits for differs more between machines than anything else does: a tenth of a millisecond on a disk in
// the machine, one or more on a disk in a network or with a standby in another building. So the writers are compared
// once more as if syncing took longer.
var slowdowns = []time.Duration{time.Millisecond, 4 * time.Millisecond}

var slowConnections = []int{1, 128}

// slowed is a load while every sync takes longer.
func slowed(load string, longer time.Duration) string {
	return fmt.Sprintf("%s, a sync takes %d ms longer", load, longer.Milliseconds())
}

// onSlowDisk takes a turn of the writers.
func (b *bench) onSlowDisk(ctx context.Context, longer time.Duration, round int) (err error) {
	if err := b.pg.slowDown(ctx, longer); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.pg.slowDown(ctx, 0)) }()
	for _, connections := range slowConnections {
		for i := range shortlist {
			m := measurement{contender: shortlist[(round+i)%len(shortlist)], load: slowed(commands, longer), connections: connections, round: round}
			if err := b.commands(ctx, m); err != nil {
				return fmt.Errorf("%s, %s, %d connections: %w", m.contender, m.load, connections, err)
			}
		}
	}
	f := floors[0]
	f.load = slowed(f.load, longer)
	return b.floor(ctx, f, round)
}

// slowDown has whoever syncs the write-ahead log wait first, and all who would sync it meanwhile wait for him, as they do
// for a slower disk. In one thing it is kinder than such a disk: who comes during the wait is served by the same sync.
// That helps those who commit one by one, and not the service, whose batches have one writer.
func (p *postgres) slowDown(ctx context.Context, longer time.Duration) error {
	for _, sql := range []string{
		fmt.Sprintf("ALTER SYSTEM SET commit_delay = %d", longer.Microseconds()),
		"ALTER SYSTEM SET commit_siblings = 0", // whether or not others are about to commit
		"SELECT pg_reload_conf()",
	} {
		if _, err := p.admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// claimsOnSlowDisk are those for the disk as it is.
func (r *report) claimsOnSlowDisk(longer time.Duration) []claim {
	faster := func(says string, connections int, theirs line, target float64) claim {
		ours := line{serviceName, slowed(commands, longer), connections}
		theirs.load = slowed(theirs.load, longer)
		return r.faster(slowed(says, longer), ours, theirs, target)
	}
	return []claim{
		faster("commands at 128 connections / one statement per request", 128, line{oneStatementName, commands, 128}, 3.5),
		faster("commands at 128 connections / pgbench INSERT of single rows, 32 clients", 128, line{pgbenchName, inserts, pgbenchConnections}, 2.5),
		faster("commands at 128 connections / plain table without history", 128, line{crudName, commands, 128}, 2.5),
		faster("commands at 1 connection / one statement per request", 1, line{oneStatementName, commands, 1}, 1),
		faster("commands at 1 connection / plain table without history", 1, line{crudName, commands, 1}, 0.85),
	}
}
