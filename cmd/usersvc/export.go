package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/transfer"
)

type exportCommand struct {
	After   int64  `default:"0" help:"Leave out the events up to this position, as an earlier export has them."`
	Through int64  `default:"0" help:"End at this position. Default: at the end of the log as it is at the start."`
	Output  string `short:"o" type:"path" placeholder:"FILE" help:"Where to write; what is there is replaced. Default: standard output."`
}

// Help has examples.
func (exportCommand) Help() string {
	return `For example:

  usersvc export --output log.ndjson
  usersvc export --after 1000 | gzip > rest.ndjson.gz

The exit status is 0 only when the last line is whole.`
}

// Run writes the log. Standard output is for lines alone.
func (e exportCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withPool(ctx, func(pool *pgxpool.Pool) error {
		if e.Output == "" {
			return e.export(ctx, pool, stdout)
		}
		file, err := os.Create(e.Output)
		if err != nil {
			return err
		}
		return errors.Join(e.export(ctx, pool, file), file.Close())
	})
}

func (e exportCommand) export(ctx context.Context, pool *pgxpool.Pool, to io.Writer) error {
	p := newProgress(os.Stderr)
	last, err := transfer.Export(ctx, pool, transfer.Range{After: e.After, Through: e.Through}, to, p.show)
	p.end()
	if err != nil && last > e.After {
		return fmt.Errorf("%w; the first %d lines are whole: keep those, and go on behind them with --after=%d", err, last-e.After, last)
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "exported %d events, up to position %d\n", last-e.After, last)
	}
	return err
}
