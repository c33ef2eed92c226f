package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// driveOpen sends requests at a fixed rate, whether the answers come or not: what is late counts from the moment at which
// its request was due, so that one slow answer does not keep the next questions from being asked (Tene, "How NOT to
// Measure Latency", on coordinated omission). A request waits for a connection when all of them wait for answers.
func driveOpen(ctx context.Context, addr string, connections, perSecond int, warmUp, period time.Duration, newClient func(connection int) client) (tally, error) {
	open, err := dialAll(ctx, addr, connections)
	if err != nil {
		return tally{}, err
	}
	defer closeAll(open)
	defer context.AfterFunc(ctx, func() { closeAll(open) })()
	s := &schedule{began: time.Now(), each: time.Second / time.Duration(perSecond), from: warmUp, until: warmUp + period}
	tallies, errs := make([]tally, connections), make([]error, connections)
	var all sync.WaitGroup
	for i, c := range open {
		all.Go(func() { tallies[i], errs[i] = s.keep(c, newClient(i)) })
	}
	all.Wait()
	sum := merge(tallies)
	sum.took = period
	return sum, errors.Join(context.Cause(ctx), first(errs))
}

// schedule says when the next request is due.
type schedule struct {
	began       time.Time
	each        time.Duration // from one request to the next
	from, until time.Duration // what is counted, since began
	given       atomic.Int64
}

func (s *schedule) next() time.Duration { return time.Duration(s.given.Add(1)) * s.each }

func (s *schedule) keep(c *connection, each client) (tally, error) {
	t := tally{refused: map[int]int{}}
	for due := s.next(); due < s.until; due = s.next() {
		time.Sleep(time.Until(s.began.Add(due)))
		status, err := each.request(c)
		late := time.Since(s.began.Add(due))
		t.all++
		switch {
		case err != nil:
			return t, err
		case due < s.from:
		case status/100 == 2:
			t.latencies = append(t.latencies, late)
		default:
			t.refused[status]++
		}
	}
	return t, nil
}

func dialAll(ctx context.Context, addr string, connections int) (open []*connection, err error) {
	for range connections {
		c, err := dial(ctx, addr)
		if err != nil {
			closeAll(open)
			return nil, err
		}
		open = append(open, c)
	}
	return open, nil
}

func closeAll(open []*connection) {
	for _, c := range open {
		c.close()
	}
}
