package eventstore

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// A key is a day old and used again at the very moment at which it is forgotten: nothing was stored, and another try is a new command.
// The others of its batch are not concerned.
func TestRecordForgottenMeanwhile(t *testing.T) {
	t.Parallel()
	rows, _ := pgtest.New(t).Query(t.Context(), `SELECT 'replayed', 0, 0::bigint, now(), NULL::uuid, NULL::bytea, NULL::jsonb
		UNION ALL SELECT 'appended', 1, 1, now(), NULL, NULL, NULL`)
	outcomes, err := pgx.CollectRows(rows, scanOutcome)
	if err != nil || len(outcomes) != 2 {
		t.Fatal(outcomes, err)
	}
	if forgotten, other := outcomes[0].err, outcomes[1].err; !errors.Is(forgotten, ErrUnavailable) || other != nil {
		t.Errorf("the one: %v, the other: %v", forgotten, other)
	}
}
