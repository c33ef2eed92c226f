package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// observedArg, as the first argument, has the service compared with a build that measures and logs nothing.
const observedArg = "observed"

const (
	watching, blind     = "as everybody runs it", "built without metrics and logs"
	observedConnections = 32
	observedAtLeast     = 30 // rounds
)

// benchObserved puts commands on both in turns, and prints what it found.
func benchObserved(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	o.rounds = max(o.rounds, observedAtLeast)
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	services := map[string]*process{}
	defer func() {
		for _, p := range services {
			err = errors.Join(err, p.stop())
		}
	}()
	for name, tags := range map[string][]string{watching: nil, blind: {"-tags=unobserved"}} {
		binary, err := b.buildService(ctx, tags...)
		if err != nil {
			return err
		}
		database := fmt.Sprintf("observed%d", len(services))
		if err := b.pg.makeDatabase(ctx, database); err != nil {
			return err
		}
		if services[name], err = b.serve(ctx, binary, database, "USERSVC_LOG_LEVEL=info"); err != nil {
			return err
		}
	}
	b.plain = services
	for round := range b.rounds {
		for i := range 2 {
			name := []string{watching, blind}[(round+i)%2]
			m := measurement{contender: name, load: commands, connections: observedConnections, round: round}
			if err := b.drive(ctx, m, func(connection int) client { return newCommander(connection) }); err != nil {
				return err
			}
		}
	}
	return b.report.writeObserved(stdout)
}

func (r *report) writeObserved(w io.Writer) error {
	with, without := r.rounds(line{watching, commands, observedConnections}), r.rounds(line{blind, commands, observedConnections})
	var ratios []float64
	for i := range with {
		ratios = append(ratios, float64(with[i].cpu)/float64(without[i].cpu))
	}
	slices.Sort(ratios)
	low, high := interval(ratios)
	_, err := fmt.Fprintf(w, "CPU of a command, service and PostgreSQL, %s / %s: %.3f; 95 %% interval of the median of %d rounds: %.3f to %.3f\n",
		watching, blind, median(ratios), len(ratios), low, high)
	return err
}

// interval is that of the median of sorted values, at 95 %: by order statistics, with the normal approximation of the binomial.
func interval(sorted []float64) (low, high float64) {
	n := float64(len(sorted))
	half := 0.98 * math.Sqrt(n)
	return sorted[max(0, int(n/2-half))], sorted[min(len(sorted)-1, int(n/2+half))]
}
