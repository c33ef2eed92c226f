//go:build unix

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// own starts the server. The lock is the proof that nobody else has one here.
func own(ctx context.Context, o Options, f folder, lock *os.File) (_ *Server, err error) {
	defer func() {
		if err != nil {
			_ = lock.Close()
		}
	}()
	if err := f.endOrphan(o.Log); err != nil {
		return nil, err
	}
	major, err := f.dataMajor()
	if err != nil {
		return nil, err
	}
	programs, err := obtain(ctx, f, major, o.Log)
	if err != nil {
		return nil, err
	}
	if major == 0 {
		if err := f.initialise(ctx, programs, o.Throwaway); err != nil {
			return nil, err
		}
	}
	s := &Server{Version: programs.version, DataDir: f.data(), database: o.Database, lock: lock}
	if s.socketDir, err = f.makeSocketDir(); err != nil {
		return nil, err
	}
	if s.postgres, err = f.launch(programs, s.socketDir, o.Throwaway); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx, f, o.Log); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// awaitReady waits for the server and makes the database. There is no time limit but the context's:
// after a crash PostgreSQL first repeats its log, and only ends early by ending its process.
func (s *Server) awaitReady(ctx context.Context, f folder, log logger) error {
	config, err := pgx.ParseConfig(s.URL(superuser, superuser))
	if err != nil {
		return fmt.Errorf("connect to the embedded PostgreSQL: %w", err)
	}
	long := time.After(10 * time.Second)
	for {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			defer conn.Close(context.WithoutCancel(ctx))
			return createDatabase(ctx, conn, s.database)
		}
		select {
		case <-s.Done():
			return fmt.Errorf("PostgreSQL ended while starting (%v); the end of %s:\n%s", s.postgres.cmd.ProcessState, f.logFile(), lastLines(f.logFile()))
		case <-ctx.Done():
			return fmt.Errorf("wait for the embedded PostgreSQL: %w (%w)", context.Cause(ctx), err)
		case <-long:
			log("PostgreSQL is still starting, perhaps recovering from a crash; %s tells", f.logFile())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

const databaseExistsSQL = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`

func createDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	err := conn.QueryRow(ctx, databaseExistsSQL, name).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

func lastLines(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
