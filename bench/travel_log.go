package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/jackc/pgx/v5"
)

// Ten steps in the life of each user, that far apart: all users are created before one changes. One in twenty is suspended,
// half of these for a while; one in ten is an editor, one in a hundred an admin; one in fifty is deleted in the end. A
// hundred belong to a clan. With more than ten events of each, what comes between two steps is another name. After every
// twenty of these events there is one of the user who changes all the time.
const insertTravelled = `
WITH base AS (
  SELECT (k - 1) * $1::bigint + u * 7919 % $1 + 1 AS n, k, u, md5('user ' || u)::uuid AS id,
    CASE WHEN k = $2 THEN 10 WHEN (k - 1) * 10 % $2 = 0 THEN (k - 1) * 10 / $2 + 1 END AS step
  FROM generate_series(0, $1::bigint - 1) u CROSS JOIN generate_series(1, $2::integer) k
), busy AS (
  SELECT b AS version, 21 * b AS p, md5('busy')::uuid AS id FROM generate_series(1, $1::bigint * $2 / 20 - 1) b
), events AS (
  SELECT n + (n - 1) / 20 AS p, id, k AS version,
    CASE WHEN step = 1 THEN 'UserCreated' WHEN step IN (5, 9) THEN 'UserEmailChanged' WHEN step = 2 THEN 'RoleGranted'
      WHEN step = 3 AND u % 20 = 0 THEN 'UserSuspended' WHEN step = 7 AND u % 40 = 0 THEN 'UserReactivated'
      WHEN k = $2 AND u % 50 = 2 THEN 'UserDeleted' ELSE 'UserProfileChanged' END AS type,
    CASE WHEN step = 1 THEN jsonb_build_object('email', 'user-' || u || '@example.com', 'displayName', 'User ' || u, 'firstName', 'Ada',
        'lastName', 'Clan' || lpad((u % greatest($1 / 100, 1))::text, 5, '0'))
      WHEN step IN (5, 9) THEN jsonb_build_object('newEmail', 'user-' || u || '-' || step || '@example.com')
      WHEN step = 2 THEN jsonb_build_object('role', CASE WHEN u % 100 = 1 THEN 'admin' WHEN u % 10 = 0 THEN 'editor' ELSE 'reader' END)
      WHEN step = 3 AND u % 20 = 0 THEN jsonb_build_object('reason', 'at random') WHEN step = 7 AND u % 40 = 0 THEN '{}'
      WHEN k = $2 AND u % 50 = 2 THEN '{}' ELSE jsonb_build_object('displayName', 'User ' || u * k % 1000003) END AS data
  FROM base
  UNION ALL
  SELECT p, id, version, CASE WHEN version = 1 THEN 'UserCreated' ELSE 'UserProfileChanged' END,
    CASE WHEN version = 1 THEN jsonb_build_object('email', 'busy@example.com', 'displayName', 'Busy', 'firstName', '', 'lastName', '')
      ELSE jsonb_build_object('displayName', 'Busy ' || version) END
  FROM busy
)
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT p, date_trunc('second', now()) - interval '1 day' + p * interval '1 millisecond', gen_random_uuid(), id, version,
  CASE type WHEN 'UserCreated' THEN 2 ELSE 1 END, 'user', type, data,
  '{"actor": "bench", "source": "import", "correlationId": "01a202b5-8420-7e66-a0f9-4c2d81b7e35a"}'
FROM events ORDER BY p`

const (
	selectTimes = `SELECT min(recorded_at), max(recorded_at) FROM eventlog.events`
	selectSome  = `SELECT stream_id::text FROM eventlog.events WHERE version = 10 AND position % 7 = 0 LIMIT 1000`
)

// plan is a world to be made: the name of its database, how many users it has, and how many events of each: a multiple of ten.
type plan struct {
	name        string
	users, each int
}

// events are those of its users, and of the one who changes all the time.
func (p plan) events() int { return p.users*p.each + p.users*p.each/20 }

// openWorlds starts a database and builds the service, and makes worlds with both. What was made is returned even if the next
// one fails.
func (b *bench) openWorlds(ctx context.Context, plans ...plan) (binary string, worlds []*world, err error) {
	if err := b.openDatabase(ctx); err != nil {
		return "", nil, err
	}
	if binary, err = b.buildService(ctx); err != nil {
		return "", nil, err
	}
	for _, p := range plans {
		w, err := b.openWorld(ctx, binary, p)
		if err != nil {
			return binary, worlds, err
		}
		worlds = append(worlds, w)
	}
	return binary, worlds, nil
}

func (b *bench) closeWorlds(worlds []*world) (err error) {
	for _, w := range worlds {
		err = errors.Join(err, w.service.stop())
	}
	return errors.Join(err, b.close())
}

// openWorld writes a log past the service, has the service make of it what it keeps, and starts it.
func (b *bench) openWorld(ctx context.Context, binary string, p plan) (*world, error) {
	database := p.name
	if err := b.pg.makeDatabase(ctx, database); err != nil {
		return nil, err
	}
	admin, err := pgx.Connect(ctx, b.pg.server.URL("postgres", database))
	if err != nil {
		return nil, err
	}
	defer admin.Close(ctx)
	b.say("%s: writing %d events of %d users", database, p.events(), p.users)
	if _, err := admin.Exec(ctx, insertTravelled, p.users, p.each); err != nil {
		return nil, err
	}
	if _, err := admin.Exec(ctx, beAtTheEnd); err != nil {
		return nil, err
	}
	for _, name := range []string{"user_profiles", "snapshots"} {
		began := time.Now()
		cmd := exec.CommandContext(ctx, binary, "rebuild", name)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+b.pg.url(database))
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("rebuild %s: %w\n%s", name, err, out)
		}
		b.say("%s: rebuilt %s in %v", database, name, time.Since(began).Round(time.Millisecond))
	}
	for _, sql := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	w := &world{name: database}
	if err := admin.QueryRow(ctx, selectTimes).Scan(&w.from, &w.until); err != nil {
		return nil, err
	}
	rows, _ := admin.Query(ctx, selectSome)
	if w.ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, err
	}
	w.service, err = b.serve(ctx, binary, database)
	return w, err
}
