package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/migrations"
)

// database is where the users are: a server of our own, or the one that DATABASE_URL leads to.
type database struct {
	url        string // as the service: a member of usersvc_app
	migrateURL string // as a role that may migrate
	embedded   *embeddedpg.Server
}

const databaseName = "usersvc"

func (c *config) openDatabase(ctx context.Context, messages io.Writer) (*database, error) {
	if c.DatabaseURL != "" {
		d := &database{url: c.DatabaseURL, migrateURL: c.MigrateDatabaseURL}
		if d.migrateURL == "" {
			d.migrateURL = c.DatabaseURL
		}
		return d, nil
	}
	if c.RequireDatabaseURL {
		return nil, errors.New("DATABASE_URL is not set, and USERSVC_REQUIRE_DATABASE_URL forbids a PostgreSQL of the service's own")
	}
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		Dir: c.postgresDir(), Database: databaseName,
		Log: func(format string, args ...any) { fmt.Fprintf(messages, format+"\n", args...) },
	})
	if err != nil {
		return nil, err
	}
	return &database{
		url:        server.URL("usersvc", databaseName),
		migrateURL: server.URL("postgres", databaseName),
		embedded:   server,
	}, nil
}

func (d *database) close() error {
	if d.embedded == nil {
		return nil
	}
	return d.embedded.Stop()
}

// lost is closed when the private server ends under us, be it our own or that of another process.
func (d *database) lost() <-chan struct{} {
	if d.embedded == nil {
		return nil
	}
	return d.embedded.Done()
}

// describe tells a person which database is used, and in which state it is.
func (d *database) describe(ctx context.Context, pool *pgxpool.Pool, w io.Writer) error {
	state, err := migrations.Current(ctx, pool)
	if err != nil {
		return err
	}
	d.describeServer(w)
	fmt.Fprintf(w, "schema:   version %d\n", state.Current)
	return nil
}

func (d *database) describeServer(w io.Writer) {
	if d.embedded == nil {
		if config, err := pgx.ParseConfig(d.url); err == nil { // it has been connected to
			fmt.Fprintf(w, "database: %s on %s, port %d\n", config.Database, config.Host, config.Port)
		}
		return
	}
	how := "a private"
	if d.embedded.Attached {
		how = "the running private"
	}
	fmt.Fprintf(w, "database: %s %s in %s\n", how, d.embedded.Version, d.embedded.DataDir)
	fmt.Fprintf(w, "          for development and small installations; set DATABASE_URL to use another\n")
	fmt.Fprintf(w, "          %s\n", d.embedded.PsqlCommand())
}

// makeCurrent migrates our own database, and insists that another has been migrated: there, when and
// as whom is the operator's decision.
func (d *database) makeCurrent(ctx context.Context) error {
	if d.embedded != nil {
		return migrations.Up(ctx, d.migrateURL)
	}
	state, err := migrations.Status(ctx, d.url)
	if err != nil {
		return err
	}
	if !state.Ready() {
		return fmt.Errorf("the schema is at version %d, this program needs %d: run `usersvc migrate up`", state.Current, state.Latest)
	}
	return nil
}

// Reads meet in one or two connections, so few are needed; the rest is for lists and the relay.
const poolSize = 16

func (d *database) pool(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if !strings.Contains(d.url, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	if _, given := config.ConnConfig.RuntimeParams["application_name"]; !given {
		config.ConnConfig.RuntimeParams["application_name"] = applicationName()
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// The database's administrator sees by it whose connections these are, and replicas see each other.
const applicationPrefix = "usersvc "

// applicationName is that of this process; PostgreSQL takes 63 characters.
func applicationName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s%.40s:%d", applicationPrefix, host, os.Getpid())
}

// withPool runs f, an operator's command, on a database whose schema is current.
func (c *config) withPool(ctx context.Context, f func(*pgxpool.Pool) error) error {
	return c.withDatabase(ctx, func(db *database) error {
		pool, err := db.pool(ctx)
		if err != nil {
			return err
		}
		defer pool.Close()
		return f(pool)
	})
}

// withOperator runs f with a connection of the role that migrates.
func (c *config) withOperator(ctx context.Context, f func(*pgx.Conn) error) error {
	return c.withDatabase(ctx, func(db *database) error {
		conn, err := pgx.Connect(ctx, db.migrateURL)
		if err != nil {
			return err
		}
		return errors.Join(f(conn), conn.Close(context.WithoutCancel(ctx)))
	})
}

func (c *config) withDatabase(ctx context.Context, f func(*database) error) (err error) {
	if err := c.checkDerived(); err != nil {
		return err
	}
	db, err := c.openDatabase(ctx, io.Discard)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.makeCurrent(ctx); err != nil {
		return err
	}
	return db.explain(ctx, f(db))
}

// explain adds what is to be done about an error, or what has led to it. A server that shuts down takes no connections any more.
func (d *database) explain(ctx context.Context, err error) error {
	if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == "42501" {
		return fmt.Errorf("%w: permission is missing; run as the role that migrates: USERSVC_MIGRATE_DATABASE_URL", err)
	}
	if err == nil || ctx.Err() != nil || d.embedded == nil || !d.embedded.Attached {
		return err
	}
	conn, gone := pgx.Connect(ctx, d.url)
	if gone != nil {
		return fmt.Errorf("%w: the private PostgreSQL was ended with the process that ran it", err)
	}
	return errors.Join(err, conn.Close(ctx))
}
