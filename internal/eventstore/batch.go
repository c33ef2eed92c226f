package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// arguments are a batch as append_events takes it: an array for each column.
type arguments struct {
	stream                                  [][16]byte // uuid.UUID itself would be encoded by way of its text
	streamType                              []string
	expected, count                         []int32
	first                                   []*[16]byte
	metadata, key, fingerprint, outcome     [][]byte
	eventCommand, eventVersion, eventSchema []int32
	eventID                                 [][16]byte
	eventType                               []string
	eventData                               [][]byte
	claimCommand                            []int32
	claimScope, claimKey                    []string
	claimTake                               []bool
}

func newArguments(batch []*pending) (*arguments, error) {
	a := &arguments{}
	for i, p := range batch {
		metadata, err := encodeMetadata(p.Command)
		if err != nil {
			return nil, fmt.Errorf("encode metadata: %w", err)
		}
		a.addCommand(&p.Command, metadata)
		ordinal := int32(i + 1)
		for j, e := range p.Events {
			a.eventCommand = append(a.eventCommand, ordinal)
			a.eventID = append(a.eventID, e.ID)
			a.eventVersion = append(a.eventVersion, int32(p.ExpectedVersion+j+1))
			a.eventType = append(a.eventType, e.Type)
			a.eventSchema = append(a.eventSchema, int32(e.SchemaVersion))
			a.eventData = append(a.eventData, e.Data)
		}
		a.addClaims(ordinal, p.Release, false)
		a.addClaims(ordinal, p.Take, true)
	}
	return a, nil
}

// encodeMetadata makes an object for all events of a command, or a list of one for each where they have
// different causes.
func encodeMetadata(c Command) ([]byte, error) {
	if !slices.ContainsFunc(c.Events, func(e Event) bool { return e.CausationID != nil }) {
		return json.Marshal(c.Metadata)
	}
	each := make([]Metadata, len(c.Events))
	for i, e := range c.Events {
		each[i] = c.metadataOf(e)
	}
	return json.Marshal(each)
}

func (a *arguments) addCommand(c *Command, metadata []byte) {
	var first *[16]byte
	if len(c.Events) > 0 {
		first = (*[16]byte)(&c.Events[0].ID)
	}
	k := c.Key
	if k == nil {
		k = &Key{} // its nil members become NULL
	}
	a.stream = append(a.stream, c.StreamID)
	a.streamType = append(a.streamType, c.StreamType)
	a.expected = append(a.expected, int32(c.ExpectedVersion))
	a.metadata = append(a.metadata, metadata)
	a.count = append(a.count, int32(len(c.Events)))
	a.first = append(a.first, first)
	a.key = append(a.key, k.Hash)
	a.fingerprint = append(a.fingerprint, k.Fingerprint)
	a.outcome = append(a.outcome, k.Outcome)
}

func (a *arguments) addClaims(command int32, claims []Claim, take bool) {
	for _, c := range claims {
		a.claimCommand = append(a.claimCommand, command)
		a.claimScope = append(a.claimScope, c.Scope)
		a.claimKey = append(a.claimKey, c.Key)
		a.claimTake = append(a.claimTake, take)
	}
}

const appendEvents = `
SELECT verdict, COALESCE(version, 0), COALESCE(position, 0), COALESCE(recorded_at, 'epoch'), stream_id, fingerprint, outcome
FROM eventlog.append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`

// call sends a batch and returns an outcome for each command. The outcomes are worth something only
// when err is nil: rows reach us before the commit, and the commit is over when rows end without error.
func call(ctx context.Context, conn *pgx.Conn, batch []*pending, notAfter time.Time) ([]outcome, error) {
	if len(batch) == 1 && batch[0].fitsAlone() {
		switch o, err := batch[0].appendAlone(ctx, conn, notAfter); {
		case err == nil:
			return []outcome{o}, nil
		case !errors.Is(err, errInTheWay):
			return nil, err
		}
	}
	args, err := newArguments(batch)
	if err != nil {
		return nil, err
	}
	return args.append(ctx, conn, notAfter)
}

func (a *arguments) append(ctx context.Context, conn *pgx.Conn, notAfter time.Time) ([]outcome, error) {
	rows, err := conn.Query(ctx, appendEvents, a.values(notAfter)...)
	if err != nil {
		return nil, err
	}
	outcomes, err := pgx.CollectRows(rows, scanOutcome)
	if err == nil && len(outcomes) != len(a.stream) {
		err = fmt.Errorf("append_events answered %d of %d commands", len(outcomes), len(a.stream))
	}
	return outcomes, err
}

func (a *arguments) values(notAfter time.Time) []any {
	return []any{
		notAfter,
		a.stream, a.streamType, a.expected, a.metadata, a.count, a.first, a.key, a.fingerprint, a.outcome,
		a.eventCommand, a.eventID, a.eventVersion, a.eventType, a.eventSchema, a.eventData,
		a.claimCommand, a.claimScope, a.claimKey, a.claimTake,
	}
}

func scanOutcome(row pgx.CollectableRow) (outcome, error) {
	var (
		verdict string
		o       outcome
		stream  *uuid.UUID
		r       Record
	)
	if err := row.Scan(&verdict, &o.Version, &o.Position, &o.RecordedAt, &stream, &r.Fingerprint, &r.Outcome); err != nil {
		return o, err
	}
	o.RecordedAt = o.RecordedAt.UTC()
	switch verdict {
	case "conflict":
		return outcome{err: &VersionConflict{Current: o.Version}}, nil
	case "claimed":
		return outcome{err: &ClaimTaken{}}, nil
	case "replayed":
		if stream == nil { // its record was forgotten between two statements, after more than a day
			return outcome{err: ErrUnavailable}, nil
		}
		r.StreamID, r.Version, r.Position, r.RecordedAt = *stream, o.Version, o.Position, o.RecordedAt
		o.Replayed = &r
	}
	return o, nil
}
