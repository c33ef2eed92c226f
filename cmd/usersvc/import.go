package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/transfer"
)

type importCommand struct {
	File string `arg:"" optional:"" type:"existingfile" help:"What to read. Default, or with -: standard input."`
}

// Run appends what the log does not have yet.
func (i importCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	from := os.Stdin
	if i.File != "" && i.File != "-" {
		file, err := os.Open(i.File)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	return c.withOperator(ctx, func(conn *pgx.Conn) error {
		p := newProgress(os.Stderr)
		done, err := transfer.Import(ctx, conn, from, p.show)
		p.end()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "imported %d events; %d were in the log, which ends at position %d\n", done.Lines-done.Before, done.Before, done.Lines)
		return err
	})
}
