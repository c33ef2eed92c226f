//go:build unix

package pgtest

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Every database made here is called usersvc_<kind>_<id>…, and those three parts are its claim: an
// advisory lock that the programs which use it share. A database whose claim is free belongs to a
// program that has ended, however it did.

const databasesSQL = `SELECT datname FROM pg_database WHERE datname ~ '^usersvc_(test|template)_'`

// sweep drops what ended programs left.
func (s *server) sweep(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, databasesSQL)
	if err != nil {
		return fmt.Errorf("look for old databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for old databases: %w", err)
	}
	for _, name := range names {
		if claim := claimOf(name); claim != s.run && claim != s.template {
			if err := s.dropUnclaimed(ctx, name); err != nil {
				return fmt.Errorf("drop old database %s: %w", name, err)
			}
		}
	}
	return nil
}

func (s *server) dropUnclaimed(ctx context.Context, name string) error {
	var free bool
	if err := s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key(claimOf(name))).Scan(&free); err != nil || !free {
		return err
	}
	if _, err := s.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return err
	}
	_, err := s.conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, key(claimOf(name)))
	return err
}

// claim shares a name until the connection ends.
func (s *server) claim(ctx context.Context, name string) error {
	_, err := s.conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1)`, key(name))
	return err
}

func claimOf(database string) string {
	return strings.Join(strings.Split(database, "_")[:3], "_")
}

// key is the lock of a claim. Two claims with the same key are swept later, nothing worse.
func key(claim string) int64 { return int64(crc32.ChecksumIEEE([]byte(claim))) }
