package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// What the rows of the past cost is seen beside a service that does not keep them: one with teeth (see the package
// safeguard), of which this one has been drawn.
const (
	keeping, forgetting = "with rows of the past", "without"
	folding             = "projection, batches of 500"
	costConnections     = 32
)

func (b *bench) measureCost(ctx context.Context) error {
	binary, err := b.buildService(ctx, "-tags=teeth")
	if err != nil {
		return err
	}
	for _, database := range []string{"keeping", "forgetting"} {
		if err := b.pg.makeDatabase(ctx, database); err != nil {
			return err
		}
	}
	for round := range b.rounds {
		for _, turn := range []struct{ name, database, without string }{{keeping, "keeping", "nothing"}, {forgetting, "forgetting", safeguard.Versions}} {
			if err := b.fold(ctx, round, turn.name, turn.without); err != nil {
				return err
			}
			p, err := b.serve(ctx, binary, turn.database, "USERSVC_TEETH="+turn.without)
			if err != nil {
				return err
			}
			t, err := drive(ctx, p.addr, costConnections, b.warmUp, b.period, func(connection int) client { return newCommander(connection) })
			if err != nil {
				return err
			}
			b.record(measurement{contender: turn.name, load: commands, connections: costConnections, round: round}.of(t))
			if err := p.stop(); err != nil {
				return err
			}
		}
	}
	return nil
}

var eventsASecond = regexp.MustCompile(`([\d.e+]+) events/s`)

// fold measures the projection alone, by its benchmark.
func (b *bench) fold(ctx context.Context, round int, name, without string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-tags=teeth", "-run=^$", "-bench=^BenchmarkApply$/^batch=500$", "-benchtime=40x", "github.com/usersvc/usersvc/internal/projections")
	cmd.Env = append(os.Environ(), "USERSVC_TEETH="+without)
	out, err := cmd.CombinedOutput()
	found := eventsASecond.FindSubmatch(out)
	if err != nil || found == nil {
		return fmt.Errorf("measure the projection: %w\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	b.record(measurement{contender: name, load: folding, connections: 1, round: round, perSecond: rate})
	return err
}

// costs compares rates.
func (r *report) costs() []claim {
	return []claim{
		r.faster("events a second of the projection, with rows of the past / without", line{keeping, folding, 1}, line{forgetting, folding, 1}, 0.75),
		r.faster("commands a second, with rows of the past / without", line{keeping, commands, costConnections}, line{forgetting, commands, costConnections}, 0.95),
	}
}
