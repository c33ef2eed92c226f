package verify

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

// Repair makes again what a report says is wrong and can be made again. operator is a connection of a role
// that may act as the owner of the log; it is asked for only when claims are wrong.
func Repair(ctx context.Context, report Report, rebuilds *rebuild.Rebuilds, operator func(context.Context) (*pgx.Conn, error)) error {
	rebuilt := make(map[string]bool)
	for _, result := range report.Results {
		var err error
		switch name := madeAgain[result.Check]; {
		case result.Wrong == 0 || rebuilt[name]:
		case name != "":
			err = rebuilds.Rebuild(ctx, name)
			rebuilt[name] = true
		case result.Check == "claims":
			err = repairClaims(ctx, result.all, operator)
		}
		if err != nil {
			return fmt.Errorf("repair %s: %w", result.Check, outbox.Discreet(err))
		}
	}
	return nil
}

// madeAgain says which rebuild mends what a check has found.
var madeAgain = map[string]string{
	"checkpoints": projections.Subscription, "dead letters": projections.Subscription, projections.Subscription: projections.Subscription,
	"snapshots": "snapshots",
}

// Nobody can append meanwhile, so what is read is what holds.
const beginClaims = `BEGIN; SET LOCAL ROLE usersvc_owner; SELECT pg_advisory_xact_lock(7310579)`

func repairClaims(ctx context.Context, ids []string, operator func(context.Context) (*pgx.Conn, error)) error {
	conn, err := operator(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: beginClaims}, func(tx pgx.Tx) error {
		for _, text := range ids {
			id, err := uuid.Parse(text)
			if err == nil {
				err = repairClaim(ctx, tx, id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	readUser = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at
FROM eventlog.events WHERE stream_id = $1 ORDER BY version`
	dropClaims = `DELETE FROM eventlog.claims WHERE stream_id = $1`
	// Whoever holds the address wrongly is repaired, too, but perhaps after this one.
	makeClaim = `
INSERT INTO eventlog.claims (scope, key, stream_id) VALUES ($1, $2, $3) ON CONFLICT (scope, key) DO UPDATE SET stream_id = excluded.stream_id`
)

func repairClaim(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	var right users.RebuiltClaims
	right.Begin(id)
	rows, _ := tx.Query(ctx, readUser, id)
	if err := eventstore.Each(rows, right.Add); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, dropClaims, id)
	if claim, ok := right.Claim(); ok && err == nil {
		_, err = tx.Exec(ctx, makeClaim, claim.Scope, claim.Key, id)
	}
	return err
}
