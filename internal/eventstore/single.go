package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// errInTheWay says that append_event has stored nothing, because the log is not as the command expects it: append_events says
// in what.
var errInTheWay = errors.New("something is in the way of the command")

const appendEvent = `
SELECT place, at FROM eventlog.append_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// isSingle reports whether append_event can take a command: most of them.
func (c *Command) isSingle() bool {
	return len(c.Events) == 1 && len(c.Release) <= 1 && len(c.Take) <= 1
}

// appendSingle stores a single command that comes alone. It returns errInTheWay, or what the database refused the command for.
func (c *Command) appendSingle(ctx context.Context, conn *pgx.Conn, notAfter time.Time) (o outcome, err error) {
	e, released, taken, k := c.Events[0], claimOf(c.Release), claimOf(c.Take), c.Key
	if k == nil {
		k = &Key{} // its nil members become NULL
	}
	metadata, err := json.Marshal(c.metadataOf(e))
	if err != nil {
		return o, fmt.Errorf("encode metadata: %w", err)
	}
	err = conn.QueryRow(ctx, appendEvent, notAfter,
		[16]byte(c.StreamID), c.StreamType, c.ExpectedVersion, metadata,
		k.Hash, k.Fingerprint, k.Outcome,
		[16]byte(e.ID), e.Type, e.SchemaVersion, e.Data,
		released.scope, released.key, taken.scope, taken.key,
	).Scan(&o.Position, &o.RecordedAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return o, errInTheWay
	case err != nil:
		return o, err
	}
	o.Version, o.RecordedAt = c.ExpectedVersion+1, o.RecordedAt.UTC()
	return o, nil
}

// claim is a Claim, or NULLs.
type claim struct{ scope, key *string }

func claimOf(claims []Claim) (c claim) {
	if len(claims) > 0 {
		c.scope, c.key = &claims[0].Scope, &claims[0].Key
	}
	return c
}
