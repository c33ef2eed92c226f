package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/transfer"
)

type exportCommand struct {
	After   int64  `default:"0" help:"Leave out the events up to this position, as an earlier export has them."`
	Through int64  `default:"0" help:"End at this position. Default: at the end of the log as it is at the start."`
	Output  string `short:"o" type:"path" placeholder:"FILE" help:"Where to write; what is there is replaced when the last line is whole. Default: standard output."`
}

// Help has examples.
func (exportCommand) Help() string {
	return `For example:

  usersvc export --output log.ndjson
  usersvc export --after 1000 | gzip > rest.ndjson.gz

The exit status is 0 only when the last line is whole. Until then the lines are in FILE.part, and FILE is as it was. What is
no file but a device or a pipe is written to directly.`
}

// Run writes the log. Standard output is for lines alone.
func (e exportCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withPool(ctx, func(pool *pgxpool.Pool) error {
		to, err := openDestination(e.Output, stdout)
		if err != nil {
			return err
		}
		last, err := e.export(ctx, pool, to)
		if err != nil {
			part := to.abandon()
			switch whole := last - e.After; {
			case whole == 0:
				return err
			case part != "":
				return fmt.Errorf("%w; the first %d lines are whole, in %s: go on behind them with --after=%d >> %[3]s", err, whole, part, last)
			default:
				return fmt.Errorf("%w; the first %d lines are whole: keep those, and go on behind them with --after=%d", err, whole, last)
			}
		}
		if err := to.finish(); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		fmt.Fprintf(os.Stderr, "exported %d events, up to position %d\n", last-e.After, last)
		return nil
	})
}

func (e exportCommand) export(ctx context.Context, pool *pgxpool.Pool, to io.Writer) (last int64, err error) {
	p := newProgress(os.Stderr)
	defer p.end()
	return transfer.Export(ctx, pool, transfer.Range{After: e.After, Through: e.Through}, to, p.show)
}
