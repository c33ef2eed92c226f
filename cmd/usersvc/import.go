package main

import (
	"context"
	"io"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/transfer"
)

type importCommand struct {
	File string `arg:"" optional:"" type:"existingfile" help:"What to read. Default, or with -: standard input."`
}

// Help has examples.
func (importCommand) Help() string {
	return `For example:

  usersvc import log.ndjson
  usersvc export --database-url "$elsewhere" | usersvc import

An import that was interrupted is repeated with the same file: what is in the log already is only compared.`
}

// Run appends what the log does not have yet.
func (i importCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	from, err := openSource(ctx, i.File)
	if err != nil {
		return err
	}
	defer from.Close()
	return c.withOperator(ctx, func(conn *pgx.Conn) error {
		p := newProgress(os.Stderr)
		done, err := transfer.Import(ctx, conn, from, p.show)
		p.end()
		if err != nil {
			return err
		}
		found := map[string]int64{"imported": done.Lines - done.Before, "before": done.Before, "head": done.Lines}
		return c.answer(stdout, found, "imported %d events; %d were in the log, which ends at position %d", done.Lines-done.Before, done.Before, done.Lines)
	})
}
