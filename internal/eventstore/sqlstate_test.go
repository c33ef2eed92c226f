package eventstore

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What an error tells of a batch decides whether it is tried again, and what its callers are told.
func TestFateOfABatch(t *testing.T) {
	t.Parallel()
	says := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, row := range []struct {
		err  error
		lost bool
		want fate
	}{
		{errors.New("connection reset by peer"), true, unknown},
		{context.DeadlineExceeded, true, unknown},
		{says("57P01"), true, unknown}, // the server is shut down
		{says("25P04"), true, unknown}, // transaction_timeout
		{says("25P03"), true, unknown}, // idle_in_transaction_session_timeout
		{says("53200"), true, unknown},
		{says("58030"), false, unknown},
		{context.DeadlineExceeded, false, rolledBack},
		{says(tooLate), false, rolledBack},
		{says("40P01"), false, rolledBack},
		{says("53100"), false, rolledBack}, // the disk is full
		{says("25006"), false, rolledBack}, // read-only
		{says("55P03"), false, rolledBack},
		{says("57014"), false, rolledBack},
		{says("22P05"), false, refused},
		{says("42501"), false, refused},
		{errors.New("cannot be encoded"), false, refused},
	} {
		if got := fateOf(row.err, row.lost); got != row.want {
			t.Errorf("%v, connection lost %t: %d, want %d", row.err, row.lost, got, row.want)
		}
	}
}
