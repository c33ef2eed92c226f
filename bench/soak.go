package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// soakArg, as the first argument, keeps the service at the most that it can do for as long as -period says, and looks at what grows.
const soakArg = "soak"

const (
	soakConnections = 64
	mostMemory      = 128 << 20
)

// sample is how things stand at one moment.
type sample struct {
	Events, Users        int64   // users as PostgreSQL counts along: to count a million would be a load of its own
	Dead                 int64   // rows of user_profiles that wait to be cleaned up
	RowBytes, IndexBytes float64 // of user_profiles with its indexes, for each user
	EventBytes           float64 // of the log with its indexes, for each event
	memory               int64   // of the service
	at                   time.Duration
	lag                  time.Duration
}

const selectSample = `
SELECT p.n, s.n_live_tup, s.n_dead_tup, pg_relation_size(s.relid) / greatest(s.n_live_tup, 1)::float8,
  pg_indexes_size(s.relid) / greatest(s.n_live_tup, 1)::float8, pg_total_relation_size('eventlog.events') / greatest(p.n, 1)::float8
FROM (SELECT COALESCE(max(position), 0) AS n FROM eventlog.events) p, pg_stat_user_tables s WHERE s.relid = 'derived.user_profiles'::regclass`

// snapshotsForEach of the users who have a hundred versions.
const snapshotsForEach = `
SELECT (SELECT count(*) FROM derived.snapshots)::float8 / greatest((SELECT count(*) FROM derived.user_profiles WHERE version >= 100), 1)`

// benchSoak measures, and prints what it found.
func benchSoak(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	if b.service, err = b.startService(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	var load tally
	go func() {
		var err error
		load, err = drive(ctx, b.service.addr, soakConnections, b.warmUp, o.period, func(connection int) client { return newSoaker(connection) })
		done <- err
	}()
	samples, err := b.watch(ctx, done)
	if err != nil {
		return err
	}
	var snapshots float64
	if err := b.pg.admin.QueryRow(ctx, snapshotsForEach).Scan(&snapshots); err != nil {
		return err
	}
	return b.writeSoak(stdout, samples, load, snapshots)
}

// newSoaker is a commander that changes few users often, so that some have long histories.
func newSoaker(connection int) client { return &commander{connection: connection, few: true} }

// watch takes a sample thirty times, until the load is over.
func (b *bench) watch(ctx context.Context, done <-chan error) (samples []sample, err error) {
	began := time.Now()
	tick := time.NewTicker(b.period / 30)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return samples, err
		case <-tick.C:
		}
		s, err := b.sample(ctx)
		if err != nil {
			return samples, err
		}
		s.at = time.Since(began)
		b.say("after %v: %d events, %d users, lag %v, memory %d MB, %d dead rows", s.at.Round(time.Second), s.Events, s.Users, s.lag, s.memory>>20, s.Dead)
		samples = append(samples, s)
	}
}

func (b *bench) sample(ctx context.Context) (s sample, err error) {
	var seconds float64
	if err := b.pg.admin.QueryRow(ctx, selectLag).Scan(&seconds); err != nil {
		return s, err
	}
	rows, _ := b.pg.admin.Query(ctx, selectSample)
	_, err = pgx.ForEachRow(rows, []any{&s.Events, &s.Users, &s.Dead, &s.RowBytes, &s.IndexBytes, &s.EventBytes}, func() error { return nil })
	s.lag, s.memory = time.Duration(seconds*float64(time.Second)).Round(time.Millisecond), memoryOf(b.service.cmd.Process.Pid)
	return s, err
}

// memoryOf is the resident set of a process, 0 where there is no /proc.
func memoryOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, _ := strconv.ParseInt(strings.Fields(after + " 0")[0], 10, 64)
	return kilobytes << 10
}

func (b *bench) writeSoak(w io.Writer, samples []sample, load tally, snapshots float64) error {
	if len(samples) < 3 {
		return errors.New("too few samples to compare")
	}
	early, last := samples[len(samples)/3], samples[len(samples)-1]
	memory := slices.MaxFunc(samples, func(a, b sample) int { return cmp.Compare(a.memory, b.memory) }).memory
	lags := make([]time.Duration, 0, len(samples))
	for _, s := range samples {
		lags = append(lags, s.lag)
	}
	slices.Sort(lags)
	once := func(says string, value, target float64, atMost bool, unit string) string {
		return claim{says: says, middle: value, lowest: value, highest: value, target: target, atMost: atMost, unit: unit}.String()
	}
	claims := []string{
		once("of the commands, carried out", 100-measurement{}.of(load).refusedShare(), 100, false, " %"),
		once("p99 of a command", float64(percentile(load.latencies, 99))/float64(time.Millisecond), 250, true, " ms"),
		once("memory of the service, at most", float64(memory)/(1<<20), mostMemory>>20, true, " MB"),
		once("longest lag of thirty looks", float64(lags[len(lags)-1])/float64(time.Millisecond), 1000, true, " ms"),
		once("bytes of a row of user_profiles, at the end / after a third", last.RowBytes/early.RowBytes, 1.3, true, "×"),
		once("bytes of its indexes, at the end / after a third", last.IndexBytes/early.IndexBytes, 1.3, true, "×"),
		once("bytes of an event with its indexes, at the end / after a third", last.EventBytes/early.EventBytes, 1.3, true, "×"),
		once("dead rows for each user, at the end", float64(last.Dead)/float64(max(1, last.Users)), 0.5, true, ""),
		once("snapshots for each user with a hundred versions, at the end", snapshots, 0.95, false, ""),
	}
	var rates []string
	for _, s := range samples {
		rates = append(rates, fmt.Sprintf("after %v | %d users | %d | %s | %s |  | %d MB | ", s.at.Round(time.Second), s.Users, soakConnections, count(float64(s.Events)), short(s.lag), s.memory>>20))
	}
	b.report.conditions = append(b.report.conditions, fmt.Sprintf("%.0f commands a second for %v; the columns are events, lag and memory",
		float64(len(load.latencies))/load.took.Seconds(), b.period))
	return page.Execute(w, map[string][]string{"Conditions": b.report.conditions, "Rates": rates, "Claims": claims})
}
