package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

type rebuildCommand struct {
	Name   string `arg:"" enum:"user_profiles,snapshots" help:"What to make again: ${enum}."`
	Cancel bool   `help:"End a rebuild that is under way, wherever it runs."`
}

// Help has examples.
func (rebuildCommand) Help() string {
	return `For example:

  usersvc rebuild user_profiles
  usersvc rebuild user_profiles --cancel

Readers and writers notice nothing. If it fails, or is interrupted, everything is as it was.`
}

// Run rebuilds and shows how far it is.
func (r rebuildCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withPool(ctx, func(pool *pgxpool.Pool) error {
		relay := newRelay(pool, projections.NewProfiles(pool), nil, c.retry(), zerolog.Nop())
		rebuilds := newRebuilds(c, pool, relay, zerolog.Nop())
		defer rebuilds.Close()
		if r.Cancel {
			return rebuilds.Cancel(ctx, r.Name)
		}
		done := make(chan error, 1)
		go func() { done <- rebuilds.Rebuild(ctx, r.Name) }()
		err := r.watch(ctx, rebuilds, done)
		last, ok, statusErr := rebuilds.Status(context.WithoutCancel(ctx), r.Name)
		if err := errors.Join(err, statusErr); err != nil || !ok {
			return err
		}
		found := map[string]any{"name": r.Name, "events": last.Processed, "differences": last.Differences}
		return c.answer(stdout, found, "rebuilt %s from %d events%s", r.Name, last.Processed, differences(last))
	})
}

// watch shows the progress until it is done.
func (r rebuildCommand) watch(ctx context.Context, rebuilds *rebuild.Rebuilds, done <-chan error) error {
	p := newProgress(os.Stderr)
	defer p.end()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(progressEvery):
			if s, ok, err := rebuilds.Status(ctx, r.Name); err == nil && ok && s.State == rebuild.Running {
				p.show(s.Phase, s.Processed, s.Total)
			}
		}
	}
}

func differences(s rebuild.Status) string {
	switch {
	case s.Differences == nil:
		return ""
	case *s.Differences == 0:
		return "; the live rows were right"
	}
	return fmt.Sprintf("; the live rows of %d users were wrong", *s.Differences)
}
