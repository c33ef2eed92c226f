package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/migrations"
)

// postgres is the server that all contenders share, and our own connections to the service's database.
type postgres struct {
	server *embeddedpg.Server
	folder string
	admin  *pgxpool.Pool // as superuser, of the service's database
}

func startPostgres(ctx context.Context, dir string, throwaway bool) (*postgres, error) {
	folder := filepath.Join(dir, "postgres")
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{Dir: folder, Database: serviceName, Throwaway: throwaway})
	if err != nil {
		return nil, err
	}
	p := &postgres{server: server, folder: folder}
	p.admin, err = pgxpool.New(ctx, server.URL("postgres", serviceName))
	return p, err
}

func (p *postgres) stop() error {
	if p == nil {
		return nil
	}
	p.admin.Close()
	if err := p.server.Stop(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(p.server.DataDir)) // it may have been moved to where root's server can be
}

// url is how contenders connect: all in the one role, with its time-outs.
func (p *postgres) url(database string) string { return p.server.URL("usersvc", database) }

// makeDatabase makes a migrated database, and in it whatever more a contender needs.
func (p *postgres) makeDatabase(ctx context.Context, name string, schema ...string) error {
	if name != serviceName {
		if _, err := p.admin.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
			return err
		}
	}
	url := p.server.URL("postgres", name)
	if err := migrations.Up(ctx, url); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range schema {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the tables of %s: %w", name, err)
		}
	}
	return nil
}

const projectionIsBehind = `
SELECT s.checkpoint < (SELECT COALESCE(max(position), 0) FROM eventlog.events)
FROM derived.subscriptions s WHERE s.name = 'user_profiles'`

// awaitProjection returns when user_profiles has every event of the service's log.
func (p *postgres) awaitProjection(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return p.await(ctx, "the projection to catch up", func() (bool, error) {
		var behind bool
		err := p.admin.QueryRow(ctx, projectionIsBehind).Scan(&behind)
		return !behind, err
	})
}

// await asks until the answer is yes.
func (p *postgres) await(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		yes, err := done()
		if yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Enough that no reader asks for the same user twice in a row, few enough that all stay in memory.
const selectSomeUsers = `SELECT user_id FROM derived.user_profiles ORDER BY random() LIMIT 10000`

func (p *postgres) someUsers(ctx context.Context) ([]uuid.UUID, error) {
	rows, _ := p.admin.Query(ctx, selectSomeUsers)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("choose users to read: %w", err)
	}
	return ids, nil
}
