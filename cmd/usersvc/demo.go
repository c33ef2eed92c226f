package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/demo"
	"github.com/usersvc/usersvc/internal/transfer"
)

type demoCommand struct {
	People int    `default:"5000" help:"How many people join in the course of the year."`
	Seed   uint64 `default:"1" help:"Another number is another year."`
}

// Help has examples.
func (demoCommand) Help() string {
	return `The database must be empty. For example:

  usersvc demo && usersvc serve
  usersvc demo --people 100 --data-dir /tmp/demo

The year ends now. One weekend spammers come and are suspended, somebody is an admin for nine days, and a robot has a history of more than a
thousand events: look for them with as_of, /v1/changes and /v1/users/{id}/history.`
}

// Run imports a year that is made up.
func (d demoCommand) Run(ctx context.Context, c *config, stdout io.Writer) error {
	if d.People < 1 || d.People > 1_000_000 {
		return errors.New("--people must be between 1 and 1,000,000")
	}
	return c.withOperator(ctx, func(conn *pgx.Conn) error {
		if err := mustBeEmpty(ctx, conn); err != nil {
			return err
		}
		from, to := io.Pipe()
		defer from.Close()
		go func() {
			_, err := demo.Year{People: d.People, Ends: time.Now(), Seed: d.Seed}.Write(to)
			to.CloseWithError(err) // nil is the end
		}()
		p := newProgress(os.Stderr)
		done, err := transfer.Import(ctx, conn, from, p.show)
		p.end()
		if err != nil {
			return err
		}
		return c.answer(stdout, map[string]int64{"events": done.Lines}, "%d events of a year that ends now. Serve them with: usersvc serve", done.Lines)
	})
}

var errNotEmpty = errors.New("the log has events already: a demo is for an empty database (another --data-dir, or another DATABASE_URL)")

func mustBeEmpty(ctx context.Context, conn *pgx.Conn) error {
	var used bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM eventlog.events)`).Scan(&used); err != nil {
		return err
	}
	if used {
		return errNotEmpty
	}
	return nil
}
