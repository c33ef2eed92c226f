package main

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
)

// What people would build instead: a table of users that is overwritten, an index that keeps addresses apart, one
// statement and one commit for each request. What a user was, who changed it and why, is not kept.
const crudSchema = `
CREATE TABLE public.users (
  id                uuid        NOT NULL PRIMARY KEY,
  version           integer     NOT NULL,
  email             text        NOT NULL,
  email_key         text COLLATE "C" NOT NULL UNIQUE,
  display_name      text        NOT NULL,
  first_name        text        NOT NULL,
  last_name         text        NOT NULL,
  status            text        NOT NULL DEFAULT 'active',
  suspended_at      timestamptz,
  suspension_reason text        NOT NULL DEFAULT '',
  roles             text[]      NOT NULL DEFAULT '{}',
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON public.users TO usersvc_app;`

// The same table, once lists of it are wanted as the service answers them: in four orders, by words and by roles.
const listedSchema = crudSchema + `
ALTER TABLE public.users ADD COLUMN search tsvector
  GENERATED ALWAYS AS (to_tsvector('simple', email || ' ' || display_name || ' ' || first_name || ' ' || last_name)) STORED;
CREATE INDEX ON public.users (created_at, id);
CREATE INDEX ON public.users (updated_at, id);
CREATE INDEX ON public.users (display_name COLLATE "C", id);
CREATE INDEX ON public.users USING gin (search, roles);`

const (
	insertUser = `
INSERT INTO users (id, version, email, email_key, display_name, first_name, last_name, created_at, updated_at)
VALUES ($1, 1, $2, $3, $4, $5, $6, now(), now())
RETURNING version, created_at, updated_at`

	updateEmail = `
UPDATE users SET email = $2, email_key = $3, version = version + 1, updated_at = now() WHERE id = $1
RETURNING version, display_name, first_name, last_name, status, suspended_at, suspension_reason, roles, created_at, updated_at`
)

func newCRUD(pool *pgxpool.Pool) http.Handler {
	create := func(ctx context.Context, c command) (stored, error) {
		u := user{ID: c.user, Email: c.email.String(), DisplayName: c.display, FirstName: c.first, LastName: c.last, Status: "active", Roles: []string{}}
		err := pool.QueryRow(ctx, insertUser, c.user, u.Email, c.email.Canonical(), c.display, c.first, c.last).Scan(&u.Version, &u.CreatedAt, &u.UpdatedAt)
		return stored{version: u.Version, shown: u}, err
	}
	change := func(ctx context.Context, c command) (stored, error) {
		u := user{ID: c.user, Email: c.email.String()}
		err := pool.QueryRow(ctx, updateEmail, c.user, u.Email, c.email.Canonical()).Scan(&u.Version, &u.DisplayName, &u.FirstName, &u.LastName,
			&u.Status, &u.SuspendedAt, &u.SuspensionReason, &u.Roles, &u.CreatedAt, &u.UpdatedAt)
		return stored{version: u.Version, shown: u}, err
	}
	return newCommandHandler(create, change)
}
