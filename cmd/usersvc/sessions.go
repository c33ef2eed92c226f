package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

type sessionsCommand struct {
	List listSessions `cmd:"" default:"withargs" help:"Show who holds the lock of the log, or a subscription, for longer than a second (the default)."`
	End  endSession   `cmd:"" help:"End one of them. What it has not committed has not happened."`
}

// Help has examples.
func (sessionsCommand) Help() string {
	return `All appends take turns at one lock, and so do relays at the row of their subscription. A session that holds one and does nothing
holds everybody up: a replica that is frozen, a transaction that somebody left open.

  usersvc sessions
  usersvc sessions end 4711`
}

// session is one of PostgreSQL that holds something up.
type session struct {
	PID         int32   `json:"pid"`
	Role        string  `json:"role"`
	Application string  `json:"application"`
	State       string  `json:"state"`
	Seconds     float64 `json:"seconds"` // that its transaction is old
	Holds       string  `json:"holds"`
}

// The lock of the log is that of append_events.
const selectHolders = `
SELECT a.pid, COALESCE(a.usename, ''), COALESCE(a.application_name, ''), COALESCE(a.state, ''), age, string_agg(DISTINCT holds, ', ')
FROM (
  SELECT pid, CASE locktype WHEN 'advisory' THEN 'the log' ELSE 'a subscription' END AS holds
  FROM pg_locks
  WHERE granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (locktype = 'advisory' AND (classid, objid, objsubid) = (0, 7310579, 1)
      OR locktype = 'relation' AND relation = 'derived.subscriptions'::regclass AND mode IN ('RowShareLock', 'RowExclusiveLock'))
) l JOIN pg_stat_activity a USING (pid) CROSS JOIN LATERAL (SELECT extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age) t
WHERE age > $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY age DESC`

func holders(ctx context.Context, conn *pgx.Conn, longerThan time.Duration) ([]session, error) {
	rows, _ := conn.Query(ctx, selectHolders, longerThan.Seconds())
	return pgx.CollectRows(rows, pgx.RowToStructByPos[session])
}

type listSessions struct{}

// Run shows who holds something, the longest first.
func (listSessions) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withOperator(ctx, func(conn *pgx.Conn) error {
		found, err := holders(ctx, conn, time.Second)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(stdout).Encode(append([]session{}, found...))
		}
		table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PID\tHOLDS\tFOR\tSTATE\tROLE\tAPPLICATION")
		for _, s := range found {
			fmt.Fprintf(table, "%d\t%s\t%.0f s\t%s\t%s\t%s\n", s.PID, s.Holds, s.Seconds, s.State, s.Role, s.Application)
		}
		return table.Flush()
	})
}

type endSession struct {
	PID int32 `arg:"" help:"The session, as the list shows it."`
}

// Run ends a session, if it is one of those that hold something.
func (e endSession) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withOperator(ctx, func(conn *pgx.Conn) error {
		found, err := holders(ctx, conn, 0)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(found, func(s session) bool { return s.PID == e.PID })
		if i < 0 {
			return errors.New("this session holds nothing of ours (any more)")
		}
		var ended bool
		if err := conn.QueryRow(ctx, `SELECT pg_terminate_backend($1)`, e.PID).Scan(&ended); err != nil {
			return err
		}
		return c.answer(stdout, found[i], "ended session %d, which held %s", e.PID, found[i].Holds)
	})
}
