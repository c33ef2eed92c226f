package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// errInTheWay says that append_event has stored nothing: the stream, a claim or the key is not as the command wants it, or the
// log is empty. append_events takes it, and says what is wrong if anything is.
var errInTheWay = errors.New("something is in the way of the command")

const appendEvent = `
SELECT place, at FROM eventlog.append_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// fitsAlone reports whether append_event can take a command that is alone in its batch: most of them.
func (c *Command) fitsAlone() bool {
	return len(c.Events) == 1 && len(c.Release) <= 1 && len(c.Take) <= 1
}

// appendAlone stores a command that is alone in its batch. It returns errInTheWay, or what the database refused the command for.
func (c *Command) appendAlone(ctx context.Context, conn *pgx.Conn, notAfter time.Time) (o outcome, err error) {
	args, err := c.argumentsAlone(notAfter)
	if err != nil {
		return o, err
	}
	err = conn.QueryRow(ctx, appendEvent, args...).Scan(&o.Position, &o.RecordedAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return o, errInTheWay
	case err != nil:
		return o, err
	}
	o.Version, o.RecordedAt = c.ExpectedVersion+1, o.RecordedAt.UTC()
	return o, nil
}

func (c *Command) argumentsAlone(notAfter time.Time) ([]any, error) {
	e, released, taken, k := c.Events[0], orNulls(c.Release), orNulls(c.Take), c.Key
	if k == nil {
		k = &Key{} // its nil members become NULL
	}
	metadata, err := json.Marshal(c.metadataOf(e))
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return []any{
		notAfter, [16]byte(c.StreamID), c.StreamType, c.ExpectedVersion, metadata,
		k.Hash, k.Fingerprint, k.Outcome,
		[16]byte(e.ID), e.Type, e.SchemaVersion, e.Data,
		released.scope, released.key, taken.scope, taken.key,
	}, nil
}

type claimOrNulls struct{ scope, key *string }

func orNulls(claims []Claim) (c claimOrNulls) {
	if len(claims) > 0 {
		c.scope, c.key = &claims[0].Scope, &claims[0].Key
	}
	return c
}
