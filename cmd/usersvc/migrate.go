package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/usersvc/usersvc/migrations"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing. Any number of replicas may do so at once."`
	Down   migrateDown   `cmd:"" help:"Take migrations back, with the data that they hold."`
	Status migrateStatus `cmd:"" help:"Say where the schema stands."`
}

// Help has examples.
func (migrateCommand) Help() string {
	return `For example:

  usersvc migrate up
  usersvc migrate status --json
  usersvc migrate down 1 --yes

It takes a role that may create roles: USERSVC_MIGRATE_DATABASE_URL.`
}

type migrateUp struct{}

// Run applies the migrations that are missing.
func (migrateUp) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.migrate(ctx, stdout, func(url string) error { return migrations.Up(ctx, url) })
}

type migrateDown struct {
	Steps int  `arg:"" optional:"" default:"1" help:"How many to take back."`
	Yes   bool `help:"Really: the data is gone for good."`
}

// Run takes migrations back.
func (m migrateDown) Run(ctx context.Context, c *config, stdout io.Writer) error {
	if !m.Yes {
		return fmt.Errorf("migrate down destroys what the last %d migration(s) hold, users and their history perhaps: say --yes", m.Steps)
	}
	return c.migrate(ctx, stdout, func(url string) error { return migrations.Down(ctx, url, m.Steps) })
}

type migrateStatus struct{}

// Run says where the schema stands.
func (migrateStatus) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.migrate(ctx, stdout, func(string) error { return nil })
}

func (c *config) migrate(ctx context.Context, stdout io.Writer, step func(url string) error) (err error) {
	db, err := c.openDatabase(ctx, os.Stderr) // standard output is for the answer alone
	if err != nil {
		return err
	}
	defer func() {
		if e := db.close(); err == nil {
			err = e
		}
	}()
	if err := step(db.migrateURL); err != nil {
		return db.explain(ctx, err)
	}
	state, err := migrations.Status(ctx, db.migrateURL)
	if err != nil {
		return err
	}
	return c.answer(stdout, map[string]uint{"version": state.Current, "latest": state.Latest}, "schema version %d of %d", state.Current, state.Latest)
}
