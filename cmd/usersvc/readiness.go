package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	httpapi "github.com/usersvc/usersvc/internal/http"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/migrations"
)

// readiness says whether requests can be served.
type readiness struct {
	pool     *pgxpool.Pool
	log      *eventstore.Log
	relay    *outbox.Relay
	stopping atomic.Bool
}

func (r *readiness) stop() { r.stopping.Store(true) }

// A projection further behind is worth a word; by-id reads do not mind.
const lagWorthAWarning = 10 // seconds

func (r *readiness) check(ctx context.Context) httpapi.Readiness {
	state, err := migrations.Current(ctx, r.pool)
	answer := httpapi.Readiness{
		Ready: err == nil && state.Ready() && !r.stopping.Load(), Database: err == nil,
		SchemaCurrent: int(state.Current), SchemaLatest: int(state.Latest),
	}
	if err != nil {
		return answer
	}
	if behind, err := clockBehind(ctx, r.log); err == nil && behind > time.Second {
		answer.Warnings = append(answer.Warnings, fmt.Sprintf("the database's clock was set back: it is %s behind the newest event", behind.Round(time.Second)))
	}
	if why := r.log.RolledBack(); why != nil {
		answer.Warnings = append(answer.Warnings, "the newest command was not stored: "+why.Error())
	}
	all, err := r.relay.Statuses(ctx)
	if err != nil {
		return answer
	}
	if !slices.ContainsFunc(all, func(s outbox.Status) bool { return s.Name == projections.Subscription }) {
		answer.Warnings = append(answer.Warnings, projections.Subscription+" has lost its place in the log: see `usersvc verify --repair`")
	}
	for _, s := range all {
		if s.Position > s.Head {
			answer.Warnings = append(answer.Warnings, fmt.Sprintf("%s is at position %d and the log ends at %d: see `usersvc verify --repair`", s.Name, s.Position, s.Head))
		}
		if s.LagSeconds > lagWorthAWarning {
			answer.Warnings = append(answer.Warnings, fmt.Sprintf("%s is %d events behind, the oldest %s s old", s.Name, s.LagEvents, strconv.FormatFloat(s.LagSeconds, 'f', 0, 64)))
		}
		if s.State == "failed" {
			answer.Warnings = append(answer.Warnings, s.Name+" is held up: too much has failed to go on")
		}
		if s.Parked > 0 {
			answer.Warnings = append(answer.Warnings, fmt.Sprintf("%s lacks events of %d users who wait behind one that failed: see /v1/dead-letters", s.Name, s.Parked))
		}
	}
	return answer
}

// clockBehind is how far the database's clock is behind the newest event. Events keep their order all the
// same; but what was answered about an instant between the two is not final.
func clockBehind(ctx context.Context, log *eventstore.Log) (time.Duration, error) {
	head, err := log.Head(ctx)
	return max(0, head.RecordedAt.Sub(head.Clock)), err
}

// What a session of the service should have set, by ALTER ROLE or in the URL, so that no statement,
// lock or transaction is held for ever and no old plan scans a table that has grown; and what every
// promise of durability rests on.
const selectSettings = `
SELECT name, setting FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
               'transaction_timeout', 'client_connection_check_interval') AND setting = '0'
   OR name = 'enable_seqscan' AND setting = 'on'
   OR name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
   OR name = 'server_encoding' AND setting <> 'UTF8'`

// unsafe are those without which an acknowledged command may be lost, or a name not be kept.
var unsafe = []string{"fsync", "full_page_writes", "synchronous_commit", "server_encoding"}

// checkSettings refuses a database that cannot keep what the service promises, unless that is asked for, and warns
// of other settings.
func checkSettings(ctx context.Context, pool *pgxpool.Pool, anyway bool, logger zerolog.Logger) error {
	rows, err := pool.Query(ctx, selectSettings)
	if err != nil {
		return fmt.Errorf("read the database's settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		if slices.Contains(unsafe, name) && !anyway {
			return fmt.Errorf("the database has %s = %s: what is acknowledged could be lost. Set it right, or start with USERSVC_ALLOW_UNSAFE_DATABASE=true, as in a test", name, value)
		}
		logger.Warn().Str("setting", name).Str("value", value).Msg("the database is not set as this service needs it: see docs/configuration.md")
	}
	return rows.Err()
}
