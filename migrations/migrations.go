// Package migrations holds the schema of the database and brings a database to it.
//
// The files NNNNNN_name.up.sql and .down.sql beside this one are run by golang-migrate as a role that
// may create roles and objects. What is guaranteed:
//
//   - A migration and the version it leads to are written in one transaction. Whatever interrupts it,
//     the database is at one version or at the other, and the next Up goes on from there. A migration
//     therefore cannot hold statements that refuse to run in a transaction.
//   - Any number of processes may migrate one database at once: one works, the others wait for it.
//   - Databases of one cluster may be migrated at once, though the roles that they share are made by
//     whoever comes first: what collides is tried again.
//
// The version stands in public.schema_migrations, which usersvc_app may read. A wait ends with its
// context; a statement that runs already is not interrupted. A session lock is held meanwhile, so the
// URL must lead to the server itself and not to a transaction pooler.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// FS holds the migrations.
//
//go:embed *.sql
var FS embed.FS

// Latest is the version that this program needs.
func Latest() uint {
	files, _ := fs.Glob(FS, "*.up.sql") // sorted; the pattern is a good one
	number, _, _ := strings.Cut(files[len(files)-1], "_")
	version, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		panic("migrations: a file without a number: " + files[len(files)-1])
	}
	return uint(version)
}

// Up applies the migrations that the database does not have yet. Having all of them is no error; being
// at a later version than this program's is one.
func Up(ctx context.Context, url string) error {
	return alone(ctx, url, func(s *session) error {
		for {
			state, err := read(ctx, s.conn)
			switch {
			case err != nil:
				return err
			case state.Current > state.Latest:
				return fmt.Errorf("the schema is at version %d, this program knows %d: run the newer program, or migrate down with it", state.Current, state.Latest)
			case state.Current == state.Latest:
				return s.showVersion(ctx)
			}
			if err := s.step(ctx, 1); err != nil {
				return err
			}
		}
	})
}

// Down takes back the last migrations, at most as many as there are.
func Down(ctx context.Context, url string, steps int) error {
	if steps < 1 {
		return fmt.Errorf("migrate down: %d steps, want one or more", steps)
	}
	return alone(ctx, url, func(s *session) error {
		for range steps {
			state, err := read(ctx, s.conn)
			if err != nil || state.Current == 0 {
				return err
			}
			if err := s.step(ctx, -1); err != nil {
				return err
			}
		}
		return nil
	})
}

// step goes one migration up or down. It tries again where another database's migration was making the
// same roles. (golang-migrate reads ahead when told to go further, and leaks that if a file fails.)
func (s *session) step(ctx context.Context, direction int) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := s.migrate.Steps(direction)
		if err != nil && !collided(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxTries(8), backoff.WithMaxElapsedTime(time.Minute))
	return err
}

// collided says that two transactions wanted the same role: it was made (42710, 23505) or changed
// (XX000, "tuple concurrently updated") meanwhile, or the migration noticed so itself (40001).
func collided(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "42710", "23505", "XX000", "40001", "40P01":
		return true
	}
	return false
}
