package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// client is what one connection does: one request, and its answer. It fails only when no rate could
// be believed: a connection lost, an answer of the wrong content.
type client interface {
	request(c *connection) (status int, err error)
}

// tally is what came back within the period.
type tally struct {
	latencies []time.Duration // of the requests that succeeded, sorted
	refused   map[int]int     // of the others: how many, by status
	all       int             // requests, whether counted or not
	took      time.Duration   // the period, or longer where nothing had succeeded by its end
}

// drive puts a closed load on a server: every connection sends its next request as soon as it has an
// answer. What is answered while warming up is checked, but not counted.
func drive(ctx context.Context, addr string, connections int, warmUp, period time.Duration, newClient func(connection int) client) (tally, error) {
	open, err := dialAll(ctx, addr, connections)
	if err != nil {
		return tally{}, err
	}
	defer closeAll(open)
	defer context.AfterFunc(ctx, func() { closeAll(open) })()
	from := time.Now().Add(warmUp)
	tallies, errs := make([]tally, connections), make([]error, connections)
	var all sync.WaitGroup
	var some atomic.Bool
	for i, c := range open {
		all.Go(func() { tallies[i], errs[i] = keepAsking(c, newClient(i), from, from.Add(period), &some) })
	}
	all.Wait()
	sum := merge(tallies)
	sum.took = max(period, sum.took)
	return sum, errors.Join(context.Cause(ctx), first(errs))
}

// keepAsking asks until the period is over and some connection has had success: a rate of nothing at
// all would say nothing.
func keepAsking(c *connection, each client, from, until time.Time, some *atomic.Bool) (tally, error) {
	t := tally{refused: map[int]int{}}
	for {
		began := time.Now()
		status, err := each.request(c)
		ended := time.Now()
		t.all++
		switch {
		case err != nil:
			return t, err
		case ended.After(until) && some.Load():
			return t, nil
		case ended.Before(from):
		case status/100 == 2:
			t.latencies = append(t.latencies, ended.Sub(began))
			t.took = ended.Sub(from)
			some.Store(true)
		default:
			t.refused[status]++
		}
	}
}

func merge(tallies []tally) tally {
	sum := tally{refused: map[int]int{}}
	for _, t := range tallies {
		sum.latencies = append(sum.latencies, t.latencies...)
		sum.took = max(sum.took, t.took)
		sum.all += t.all
		for status, n := range t.refused {
			sum.refused[status] += n
		}
	}
	slices.Sort(sum.latencies)
	return sum
}

// first error of many connections: they tend to have the same.
func first(errs []error) error {
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}

// percentile of sorted durations; 0 of none.
func percentile(sorted []time.Duration, p int) time.Duration { return permille(sorted, 10*p) }

func permille(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/1000, len(sorted)-1)]
}
