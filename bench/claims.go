package main

import (
	"fmt"
	"slices"
	"time"
)

// claim is a sentence of ours, what was measured of it, and what we want to be able to say.
type claim struct {
	says            string
	middle          float64
	lowest, highest float64
	target          float64
	atMost          bool // the target is an upper bound
	unit            string
}

func (c claim) holds() bool {
	if c.atMost {
		return c.middle <= c.target
	}
	return c.middle >= c.target
}

func (c claim) String() string {
	verdict, bound := "short", "≥"
	if c.holds() {
		verdict = "ok"
	}
	if c.atMost {
		bound = "≤"
	}
	return fmt.Sprintf("%s | %.3g%s (%.3g to %.3g) | %s %.6g%s | %s", c.says, c.middle, c.unit, c.lowest, c.highest, bound, c.target, c.unit, verdict)
}

// claims compares. A contender that was left out supports none.
func (r *report) claims() []claim {
	service := func(connections int) line { return line{serviceName, commands, connections} }
	all := []claim{
		r.faster("commands at 128 connections / one statement per request", service(128), line{oneStatementName, commands, 128}, 3.5),
		r.faster("commands at 128 connections / naive MAX + 1", service(128), line{naiveName, commands, 128}, 60),
		r.faster("commands at 128 connections / pgbench INSERT of single rows, 32 clients", service(128), line{pgbenchName, inserts, pgbenchConnections}, 2.5),
		r.faster("commands at 128 connections / plain table without history", service(128), line{crudName, commands, 128}, 2.5),
		r.faster("commands at 128 connections / plain table without history, with indexes for the same lists", service(128), line{listedName, commands, 128}, 1),
		r.faster("commands at 1 connection / one statement per request", service(1), line{oneStatementName, commands, 1}, 1),
		r.faster("commands at 1 connection / plain table without history", service(1), line{crudName, commands, 1}, 0.85),
		r.faster("GET by id at 64 connections / plain SELECT handler", line{serviceName, gets, 64}, line{plainGetName, gets, 64}, 2.3),
		r.faster("GET by id at 64 connections / hello world", line{serviceName, gets, 64}, line{helloName, gets, 64}, 0.6),
		r.faster("GET by id at 1 connection / plain SELECT handler", line{serviceName, gets, 1}, line{plainGetName, gets, 1}, 0.95),
		r.faster("304 at 64 connections / GET by id", line{serviceName, known, 64}, line{serviceName, gets, 64}, 1),
		r.faster("commands under overload / most commands", line{serviceName, overload, r.crowd}, service(128), 0.8),
		r.prompt("p99 of commands carried out under overload", line{serviceName, overload, r.crowd}, time.Second),
		r.cheap("CPU of a command at 32 connections, service and PostgreSQL", service(32), 140*time.Microsecond),
		r.cheap("CPU of a command at 128 connections, service and PostgreSQL", service(128), 140*time.Microsecond),
		r.nearFloors(),
		r.lagging("p50", 50, 10*time.Millisecond),
		r.lagging("p99", 99, 100*time.Millisecond),
		r.noSlower(fmt.Sprintf("p50 of as_of, %d events / %d events", r.long, shortHistory), line{serviceName, asOf(r.long), 1}, line{serviceName, asOf(shortHistory), 1}, 1.2),
	}
	for _, longer := range slowdowns {
		all = append(all, r.claimsOnSlowDisk(longer)...)
	}
	return slices.DeleteFunc(all, func(c claim) bool { return c.says == "" })
}

// faster compares rates, round by round.
func (r *report) faster(says string, ours, theirs line, target float64) claim {
	return newClaim(says, r.ratios(ours, theirs, func(m measurement) float64 { return m.perSecond }), claim{target: target, unit: "×"})
}

// noSlower compares typical latencies, round by round.
func (r *report) noSlower(says string, ours, theirs line, target float64) claim {
	return newClaim(says, r.ratios(ours, theirs, func(m measurement) float64 { return float64(m.p50) }), claim{target: target, unit: "×", atMost: true})
}

func (r *report) ratios(ours, theirs line, of func(measurement) float64) []float64 {
	var ratios []float64
	mine, other := r.rounds(ours), r.rounds(theirs)
	for i := range min(len(mine), len(other)) {
		if denominator := of(other[i]); denominator > 0 {
			ratios = append(ratios, of(mine[i])/denominator)
		}
	}
	return ratios
}

// nearFloors is what part of a command's CPU would be spent if it were a row of a batch and a request that asks nobody.
func (r *report) nearFloors() claim {
	ours, rows, requests := r.rounds(line{serviceName, commands, 128}), r.rounds(line{pgbenchName, batches, 2}), r.rounds(line{helloName, gets, 64})
	var shares []float64
	for i := range min(len(ours), len(rows), len(requests)) {
		if ours[i].cpu > 0 {
			shares = append(shares, 100*float64(rows[i].cpu+requests[i].cpu)/float64(ours[i].cpu))
		}
	}
	return newClaim("CPU of a row of a batch, and of a hello world, of that of a command at 128 connections", shares, claim{target: 60, unit: " %"})
}

// lagging takes all samples together, and a projection that was never seen to lag for what it is.
func (r *report) lagging(name string, percent int, target time.Duration) claim {
	if len(r.lag) == 0 {
		return claim{}
	}
	sorted := slices.Sorted(slices.Values(r.lag))
	in := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return claim{
		says:   fmt.Sprintf("projection lag at %d connections, %s (lowest to longest)", lagConnections, name),
		middle: in(percentile(sorted, percent)), lowest: in(percentile(sorted, 0)), highest: in(percentile(sorted, 100)),
		target: in(target), atMost: true, unit: " ms",
	}
}

// prompt is a latency that must not be exceeded.
func (r *report) prompt(says string, l line, target time.Duration) claim {
	in := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	var all []float64
	for _, m := range r.rounds(l) {
		all = append(all, in(m.p99))
	}
	return newClaim(says, all, claim{target: in(target), atMost: true, unit: " ms"})
}

// cheap is CPU time that must not be exceeded. Not every system tells.
func (r *report) cheap(says string, l line, target time.Duration) claim {
	var all []float64
	for _, m := range r.rounds(l) {
		if m.cpu > 0 {
			all = append(all, float64(m.cpu)/float64(time.Microsecond))
		}
	}
	return newClaim(says, all, claim{target: float64(target) / float64(time.Microsecond), atMost: true, unit: " µs"})
}

func newClaim(says string, ratios []float64, c claim) claim {
	if len(ratios) == 0 {
		return c
	}
	c.says, c.middle, c.lowest, c.highest = says, median(ratios), slices.Min(ratios), slices.Max(ratios)
	return c
}
