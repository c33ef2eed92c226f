package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// travelArg, as the first argument, has reads of the past measured beside the same reads of now, and what the rows of the
// past cost. They are asked of a long log, of one with a tenth of its users, and of one as long as the first, of as many
// users as the second: so it is seen what grows with the users and what with their histories. One user has as many versions as a
// twentieth of the events of all others.
const travelArg = "past"

const (
	travelledUsers = 200_000
	shorterBy      = 10
)

// world is a service over a log, and a connection to it.
type world struct {
	name        string
	service     *process
	asks        *connection
	from, until time.Time // of its events
	ids         []string
}

// read is a kind of question, asked of now and of any moment.
type read struct {
	name string
	path string  // with %s for somebody, or a number
	of   string  // what %s stands for: "user", "clan" or nothing
	most float64 // how many times as long the past may take
}

var travels = []read{
	{name: "one user", path: "/v1/users/%s?", of: "user", most: 1.5},
	{name: "status=active by createdAt", path: "/v1/users?status=active&sort=createdAt&", most: 2},
	{name: "status=suspended by -createdAt", path: "/v1/users?status=suspended&sort=-createdAt&", most: 2},
	{name: "role=editor by createdAt", path: "/v1/users?role=editor&sort=createdAt&", most: 2},
	{name: "role=admin by createdAt", path: "/v1/users?role=admin&sort=createdAt&", most: 2},
	{name: "q by createdAt", path: "/v1/users?q=clan%s&sort=createdAt&", of: "clan", most: 2},
	{name: "status=active by -updatedAt", path: "/v1/users?status=active&sort=-updatedAt&", most: 3},
	{name: "status=active by email", path: "/v1/users?status=active&sort=email&", most: 3},
	{name: "status=suspended by displayName", path: "/v1/users?status=suspended&sort=displayName&", most: 3},
	{name: "role=editor by -updatedAt", path: "/v1/users?role=editor&sort=-updatedAt&", most: 3},
}

const (
	longLog, shortLog, deepLog = "past", "shorter", "deeper" // names of databases
	slowestPage                = 50 * time.Millisecond
)

// benchTravel measures, and prints what it found.
func benchTravel(ctx context.Context, o options, users int, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	binary, worlds, err := b.openWorlds(ctx, plan{longLog, users, eventsPerUser}, plan{shortLog, users / shorterBy, eventsPerUser},
		plan{deepLog, users / shorterBy, eventsPerUser * shorterBy})
	defer func() { err = errors.Join(err, b.closeWorlds(worlds)) }()
	if err != nil {
		return err
	}
	for round := range o.rounds {
		for _, r := range travels {
			if err := b.travel(ctx, round, r, worlds...); err != nil {
				return err
			}
		}
	}
	if err := b.measureCost(ctx); err != nil {
		return err
	}
	if err := b.report.writeTravels(stdout, users); err != nil {
		return err
	}
	return b.writePlans(ctx, stdout, binary, worlds[0])
}

// travel takes a turn: a question of now and one of the past, and the same in the other logs, again and again.
func (b *bench) travel(ctx context.Context, round int, r read, worlds ...*world) error {
	lines := make(map[line]*tally)
	for _, w := range worlds {
		c, err := dial(ctx, w.service.addr)
		if err != nil {
			return err
		}
		defer c.close()
		w.asks = c
	}
	for range b.reads {
		for _, w := range worlds {
			for _, past := range []bool{false, true} {
				l := line{w.name, r.load(past), 1}
				if lines[l] == nil {
					lines[l] = &tally{}
				}
				took, err := w.ask(r, past)
				if err != nil {
					return err
				}
				lines[l].latencies = append(lines[l].latencies, took)
				lines[l].took += took
			}
		}
	}
	for l, t := range lines {
		b.record(measurement{contender: l.contender, load: l.load, connections: 1, round: round}.of(merge([]tally{*t})))
	}
	return nil
}

func (r read) load(past bool) string {
	if past {
		return r.name + ", as_of"
	}
	return r.name
}

// ask asks about now, or about any moment between: all users have been created, some suspended, and none is deleted yet.
func (w *world) ask(r read, past bool) (time.Duration, error) {
	path := r.path
	switch r.of {
	case "user":
		path = fmt.Sprintf(path, w.ids[rand.IntN(len(w.ids))])
	case "clan":
		path = fmt.Sprintf(path, fmt.Sprintf("%05d", rand.IntN(100)))
	}
	if past {
		tenth := w.until.Sub(w.from) / eventsPerUser
		at := w.from.Add(3*tenth + rand.N(6*tenth))
		path += "as_of=" + at.UTC().Format("2006-01-02T15:04:05.000000Z")
	} else {
		path = strings.TrimRight(path, "?&")
	}
	asked := time.Now()
	got, err := w.asks.do("GET", path, "")
	took := time.Since(asked)
	if err == nil && got.status != http.StatusOK && !(r.of == "user" && !past && got.status == http.StatusGone) {
		err = fmt.Errorf("GET %s: %d %s", path, got.status, got.body)
	}
	return took, err
}
