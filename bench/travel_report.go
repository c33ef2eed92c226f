package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// writeTravels compares the past with now, in the long log and beside the others.
func (r *report) writeTravels(w io.Writer, users int) error {
	var rates, claims []string
	lines := r.lines()
	slices.SortStableFunc(lines, func(a, b line) int { return r.orderOf(a) - r.orderOf(b) })
	for _, l := range lines {
		rates = append(rates, r.rate(l))
	}
	for _, c := range r.travelClaims() {
		claims = append(claims, c.String())
	}
	r.conditions = append(r.conditions, fmt.Sprintf("%s has %d events of %d users, %d of them of one user; %s a tenth of each; %s as many events, of as many users as %[5]s; "+
		"one connection, %[7]d reads a round of each kind, in turns", longLog, plan{"", users, eventsPerUser}.events(), users, users/2, shortLog, deepLog, r.reads))
	return page.Execute(w, map[string][]string{"Conditions": r.conditions, "Rates": rates, "Claims": claims})
}

// orderOf puts the past beside now.
func (r *report) orderOf(l line) int {
	for i, t := range travels {
		for j, load := range []string{t.load(false), t.load(true)} {
			if l.load == load {
				return 6*i + j + 2*slices.Index([]string{longLog, shortLog, deepLog}, l.contender)
			}
		}
	}
	return 6 * len(travels)
}

// grown is how many times as long a read may take in a log that is ten times as long.
const grown = 1.3

func (r *report) travelClaims() (all []claim) {
	for _, t := range travels {
		now, then := line{longLog, t.load(false), 1}, line{longLog, t.load(true), 1}
		all = append(all, r.noSlower("p50 of "+t.name+", as_of / now", then, now, t.most))
		all = append(all, r.noSlower("p50 of "+t.name+", as_of, ten times the events / shorter", line{deepLog, t.load(true), 1}, line{shortLog, t.load(true), 1}, grown))
		all = append(all, r.noSlower("p50 of "+t.name+", as_of, ten times the users as well / shorter", then, line{shortLog, t.load(true), 1}, grown))
		all = append(all, r.rare("p99 of "+t.name+", as_of", then))
	}
	return append(all, r.costs()...)
}

func (r *report) rare(says string, l line) claim {
	var took []float64
	for _, m := range r.rounds(l) {
		took = append(took, float64(m.p99)/float64(time.Millisecond))
	}
	return newClaim(says, took, claim{target: float64(slowestPage / time.Millisecond), atMost: true, unit: " ms"})
}
