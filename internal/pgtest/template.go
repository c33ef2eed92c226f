//go:build unix

package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/migrations"
)

const (
	waitForOthersSQL = `SELECT pg_advisory_lock(7310581)`
	letOthersSQL     = `SELECT pg_advisory_unlock(7310581)`
)

// prepare makes the template, unless another program has, and clears up after those that were killed.
func (s *server) prepare(ctx context.Context) error {
	s.run = "usersvc_test_" + strings.ToLower(rand.Text()[:12])
	s.template = "usersvc_template_" + fingerprint()
	for _, name := range []string{s.run, s.template} {
		if err := s.claim(ctx, name); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	if err := s.sweep(ctx); err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, waitForOthersSQL); err != nil {
		return fmt.Errorf("wait for another program's template: %w", err)
	}
	if err := s.makeTemplate(ctx); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	if err := s.makeExternalUser(ctx); err != nil {
		return fmt.Errorf("make the service's role: %w", err)
	}
	_, err := s.conn.Exec(ctx, letOthersSQL)
	return err
}

// fingerprint stands for the migrations: other ones make another template.
func fingerprint() string {
	sum := sha256.New()
	files, _ := fs.Glob(migrations.FS, "*") // sorted; the pattern is a good one
	for _, name := range files {
		text, _ := fs.ReadFile(migrations.FS, name) // embedded: it is there
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

const templateExistsSQL = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`

// makeTemplate gives the template its name when it is complete.
func (s *server) makeTemplate(ctx context.Context) error {
	var exists bool
	if err := s.conn.QueryRow(ctx, templateExistsSQL, s.template).Scan(&exists); err != nil || exists {
		return err
	}
	unfinished := s.template + "_new"
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)",
		"CREATE DATABASE " + unfinished + " TEMPLATE template0",
	} {
		if _, err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrations.Up(ctx, of(s.admin, unfinished)); err != nil {
		return err
	}
	for _, sql := range []string{
		"ALTER DATABASE " + unfinished + " ALLOW_CONNECTIONS false", // a connection would block cloning
		"ALTER DATABASE " + unfinished + " RENAME TO " + s.template,
	} {
		if _, err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// externalUser is the service's role on the server of TEST_DATABASE_URL. It is not usersvc itself,
// which has no password, or one that is not ours to change. Its own follows from the administrator's,
// so that programs that run side by side agree on it.
func externalUser(adminPassword string) *url.Userinfo {
	sum := sha256.Sum256([]byte("usersvc_test " + adminPassword))
	return url.UserPassword("usersvc_test", hex.EncodeToString(sum[:12]))
}

const (
	// The settings of usersvc are the role's own, and not handed down.
	copySettingsSQL = `
		SELECT format('ALTER ROLE usersvc_test SET %I = %L', split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1))
		FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = 'usersvc'`

	makeRoleSQL = `
		DO $$ BEGIN
		  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usersvc_test') THEN
		    CREATE ROLE usersvc_test LOGIN IN ROLE usersvc_app;
		  END IF;
		  IF NOT pg_has_role('usersvc_test', 'MEMBER') THEN
		    GRANT usersvc_test TO CURRENT_USER; -- who has to end its sessions to drop a database
		  END IF;
		END $$`
)

func (s *server) makeExternalUser(ctx context.Context) error {
	if !s.external {
		return nil
	}
	if _, err := s.conn.Exec(ctx, makeRoleSQL); err != nil {
		return err
	}
	password, _ := s.service.User.Password() // hexadecimal: it needs no quoting
	if _, err := s.conn.Exec(ctx, "ALTER ROLE usersvc_test PASSWORD '"+password+"'"); err != nil {
		return err
	}
	rows, err := s.conn.Query(ctx, copySettingsSQL)
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
