package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// scaleArg, as the first argument, has the same loads put on logs of three lengths, to see what grows with the log.
const scaleArg = "scale"

// The ladder, in users: a log has ten and a half events of each.
var ladder = []int{1_000, 100_000, 1_000_000}

const (
	scaleConnections = 32
	scaledMost       = 1.3 // times as much in the longest log as in the one before
	lagAge           = "age of what the projection lacks"
)

// benchScale measures, and prints what it found.
func benchScale(ctx context.Context, o options, ladder []int, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	var plans []plan
	for _, users := range ladder {
		plans = append(plans, plan{rung(users), users, eventsPerUser})
	}
	_, worlds, err := b.openWorlds(ctx, plans...)
	defer func() { err = errors.Join(err, b.closeWorlds(worlds)) }()
	if err != nil {
		return err
	}
	for round := range b.rounds {
		if err := b.climb(ctx, round, worlds); err != nil {
			return err
		}
	}
	return b.report.writeScale(stdout, ladder)
}

func rung(users int) string { return fmt.Sprintf("%d events", users*eventsPerUser+users/2) }

// climb takes a turn of everything in each log.
func (b *bench) climb(ctx context.Context, round int, worlds []*world) error {
	for i := range worlds {
		if err := b.load(ctx, worlds[(i+round)%len(worlds)], round); err != nil {
			return err
		}
	}
	for _, r := range travels[:2] {
		if err := b.travel(ctx, round, r, worlds...); err != nil {
			return err
		}
	}
	return nil
}

// load puts commands on a log, and watches how far the projection is behind.
func (b *bench) load(ctx context.Context, w *world, round int) error {
	pool, err := pgxpool.New(ctx, b.pg.server.URL("postgres", w.name))
	if err != nil {
		return err
	}
	defer pool.Close()
	pg := &postgres{server: b.pg.server, folder: b.pg.folder, admin: pool}
	watcher := &bench{options: b.options, pg: pg, report: &report{}}
	stop, err := watcher.watchLag(ctx)
	if err != nil {
		return err
	}
	t, err := drive(ctx, w.service.addr, scaleConnections, b.warmUp, b.period, func(connection int) client { return newCommander(connection) })
	if err := errors.Join(err, stop(), pg.awaitProjection(ctx)); err != nil {
		return err
	}
	b.record(measurement{contender: w.name, load: commands, connections: scaleConnections, round: round}.of(t))
	lag := slices.Sorted(slices.Values(watcher.report.lag))
	b.record(measurement{contender: w.name, load: lagAge, connections: scaleConnections, round: round, perSecond: 1, p50: percentile(lag, 50), p99: percentile(lag, 99)})
	return nil
}

// writeScale compares each length with the one before.
func (r *report) writeScale(w io.Writer, ladder []int) error {
	var rates, claims []string
	for _, l := range r.lines() {
		rates = append(rates, r.rate(l))
	}
	for i := range len(ladder) - 1 {
		shorter, longer := rung(ladder[i]), rung(ladder[i+1])
		between := longer + " / " + shorter
		all := []claim{
			r.faster("commands a second, "+between, line{longer, commands, scaleConnections}, line{shorter, commands, scaleConnections}, 1/scaledMost),
			r.noSlower("p50 of "+lagAge+", "+between, line{longer, lagAge, scaleConnections}, line{shorter, lagAge, scaleConnections}, scaledMost),
		}
		for _, t := range travels[:2] {
			for _, past := range []bool{false, true} {
				all = append(all, r.noSlower("p50 of "+t.load(past)+", "+between, line{longer, t.load(past), 1}, line{shorter, t.load(past), 1}, scaledMost))
			}
		}
		for _, c := range all {
			claims = append(claims, c.String())
		}
	}
	r.conditions = append(r.conditions, fmt.Sprintf("%d rounds of %v of commands and %d reads of each kind in each log", r.options.rounds, r.options.period.Round(time.Millisecond), r.reads))
	return page.Execute(w, map[string][]string{"Conditions": r.conditions, "Rates": rates, "Claims": claims})
}
