package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/verify"
)

type verifyCommand struct {
	Repair bool `help:"Make again what is derived from the log and not as it should be. For claims, by the migrating role."`
}

// errWrong ends the program with status 1; whatever keeps a check from being made, with status 2.
var errWrong = errors.New("not everything is as it should be")

// Help has examples.
func (verifyCommand) Help() string {
	return `For example:

  usersvc verify
  usersvc verify --json | jq '.results[] | select(.wrong > 0)'
  usersvc verify --repair

Writers may go on meanwhile.`
}

// Run checks, and repairs if it is asked to.
func (v verifyCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	err := c.withPool(ctx, func(pool *pgxpool.Pool) error {
		report, err := v.check(ctx, pool)
		if err == nil && v.Repair && !report.Right() {
			if err := v.repair(ctx, c, pool, report); err != nil {
				return err
			}
			report, err = v.check(ctx, pool)
		}
		if err != nil {
			return err
		}
		if err := v.print(c, stdout, report); err != nil || report.Right() {
			return err
		}
		return errWrong
	})
	if err != nil && !errors.Is(err, errWrong) {
		return &failure{err, 2}
	}
	return err
}

func (v verifyCommand) check(ctx context.Context, pool *pgxpool.Pool) (verify.Report, error) {
	p := newProgress(os.Stderr)
	defer p.end()
	return verify.Check(ctx, pool, p.show)
}

func (v verifyCommand) repair(ctx context.Context, c *config, pool *pgxpool.Pool, report verify.Report) error {
	db, err := c.openDatabase(ctx, io.Discard)
	if err != nil {
		return err
	}
	rebuilds := newRebuilds(c, pool, newRelay(pool, projections.NewProfiles(pool), nil, c.retry(), zerolog.Nop()), zerolog.Nop())
	defer rebuilds.Close()
	operator := func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, db.migrateURL) }
	return errors.Join(verify.Repair(ctx, report, rebuilds, operator), db.close())
}

func (verifyCommand) print(c *config, stdout io.Writer, report verify.Report) error {
	if c.JSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	fmt.Fprintf(stdout, "checked %d events, and user_profiles up to position %d\n", report.Position, report.Checkpoint)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, r := range report.Results {
		verdict := "right"
		if r.Wrong > 0 {
			verdict = fmt.Sprintf("%d wrong: %s", r.Wrong, strings.Join(r.Examples, ", "))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Check, r.Promise, verdict)
	}
	if report.Unreadable > 0 {
		fmt.Fprintf(table, "unreadable\tusers with an event that this build does not know, left out\t%d\n", report.Unreadable)
	}
	return table.Flush()
}

// sampling compares random users with a replay while the service runs.
type sampling struct {
	profiles         *projections.Profiles
	logger           zerolog.Logger
	sampled, drifted prometheus.Counter
}

func newSampling(profiles *projections.Profiles, logger zerolog.Logger) *sampling {
	return &sampling{
		profiles: profiles, logger: logger,
		sampled: prometheus.NewCounter(prometheus.CounterOpts{Name: "usersvc_projection_sampled_total", Help: "Users whose row was compared with a replay of the log."}),
		drifted: prometheus.NewCounter(prometheus.CounterOpts{Name: "usersvc_projection_drift_total", Help: "Of those, users whose row was not what the log says."}),
	}
}

// run samples so many users a minute, until ctx ends.
func (s *sampling) run(ctx context.Context, perMinute int) {
	ticks := time.NewTicker(time.Minute / time.Duration(perMinute))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			s.one(ctx)
		}
	}
}

func (s *sampling) one(ctx context.Context) {
	user, drifted, ok, err := s.profiles.Drifted(ctx)
	switch {
	case err != nil || !ok:
		return // the next one may do
	case drifted:
		s.drifted.Inc()
		s.logger.Error().Stringer("user", user).Msg("the user's row is not what the log says: see `usersvc verify`")
	}
	s.sampled.Inc()
}
