package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	postgres "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// session is the right to migrate a database, and the means.
type session struct {
	conn    *pgx.Conn // holds the lock
	migrate *migrate.Migrate
}

// golang-migrate takes a lock as well, but waits for it without a context and gives up after 15
// seconds, less than a long migration of another replica takes. Under ours it never has to wait.
const lockSQL = `SELECT pg_advisory_lock(7310580)`

// alone runs work while no other process migrates the database.
func alone(ctx context.Context, url string, work func(*session) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // releases the lock
	if _, err := conn.Exec(ctx, lockSQL); err != nil {
		return fmt.Errorf("wait for another migration: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	m, err := open(db)
	if err != nil {
		return fmt.Errorf("prepare to migrate: %w", err)
	}
	defer m.Close()
	return work(&session{conn, m})
}

func open(db *sql.DB) (*migrate.Migrate, error) {
	files, err := iofs.New(FS, ".")
	if err != nil {
		return nil, err
	}
	// The schema is named: the role's search_path must not decide where the version stands.
	driver, err := postgres.WithInstance(db, &postgres.Config{SchemaName: "public", MigrationsTable: "schema_migrations"})
	if err != nil {
		return nil, err
	}
	return migrate.NewWithInstance("embedded", files, "pgx5", &atomic{Driver: driver})
}

// atomic is a driver that writes a migration and its version in one transaction. golang-migrate would
// mark the version dirty, run the file and clear the mark, and one that was interrupted would wait for
// a person to say how far it had come.
type atomic struct {
	database.Driver
	target int // what the file about to be run leads to, -1 for an empty database
}

func (a *atomic) SetVersion(version int, dirty bool) error {
	if dirty {
		a.target = version
		return nil
	}
	return a.Driver.SetVersion(version, false) // again, for the sake of a version without a file
}

func (a *atomic) Run(file io.Reader) error {
	body, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read the migration to version %d: %w", a.target, err)
	}
	// The version comes first, and on the first line: line numbers in errors stay right, and a file
	// that ends with a COMMIT of its own commits both.
	begin := `BEGIN; DELETE FROM public.schema_migrations; `
	if a.target >= 0 {
		begin += fmt.Sprintf(`INSERT INTO public.schema_migrations VALUES (%d, false); `, a.target)
	}
	if err := a.Driver.Run(strings.NewReader(begin + string(body) + "\n; COMMIT")); err != nil {
		return errors.Join(a.explain(err), a.Driver.Run(strings.NewReader("ROLLBACK")))
	}
	return nil
}

// explain says what failed and where, in place of the whole file's text.
func (a *atomic) explain(err error) error {
	var failed database.Error
	var refused *pgconn.PgError
	if !errors.As(err, &failed) || !errors.As(failed.OrigErr, &refused) {
		return fmt.Errorf("migrate to version %d: %w", max(a.target, 0), err)
	}
	hint := ""
	if refused.Hint != "" {
		hint = "\n" + refused.Hint
	}
	return fmt.Errorf("migrate to version %d, line %d: %w%s", max(a.target, 0), failed.Line, refused, hint)
}

const showVersionSQL = `GRANT SELECT ON public.schema_migrations TO usersvc_app`

// showVersion lets the service read the version, for its readiness.
func (s *session) showVersion(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, showVersionSQL); err != nil {
		return fmt.Errorf("let usersvc_app read the schema version: %w", err)
	}
	return nil
}
