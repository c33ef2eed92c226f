package eventstore

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// fate is what an error tells of the transaction that it ended.
type fate int

const (
	unknown    fate = iota + 1 // it may have been committed
	rolledBack                 // it was not, and may go better next time
	refused                    // it was not, and never will be as it is
)

// fateOf judges an error by its SQLSTATE, and by whether the connection was lost with it. Then nothing is certain, whatever
// the server said before it hung up (a transaction_timeout, where its clock was set forth; a shutdown) or did not say (a cut, a
// deadline): the commit may have been under way. If the connection is still there and the error is not the server's, nothing was
// ever sent: for want of time, which is no fault of the batch, or because it cannot be encoded. pgconn.SafeToRetry is not asked:
// it answers true after COMMIT was sent.
func fateOf(err error, lost bool) fate {
	var e *pgconn.PgError
	switch {
	case lost:
		return unknown
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return rolledBack
	case !errors.As(err, &e):
		return refused
	}
	switch e.Code {
	case tooLate, "57014", "25006", "55P03": // … cancelled, read-only after a failover, lock not available
		return rolledBack
	}
	switch e.Code[:2] {
	case "40", "53": // serialization and deadlock, out of resources
		return rolledBack
	case "08", "57", "58", "XX": // connection, operator, system, internal: at commit, too
		return unknown
	}
	return refused
}

// tooLate is raised by both functions for a batch that arrived after its not_after.
const tooLate = "UL001"

func hasCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

// bySelf reports whether commands refused together are to be sent one by one, so that the one that
// is to blame fails alone: data, constraints, limits.
func bySelf(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.Contains(" 22 23 54 ", " "+e.Code[:2]+" ")
}

// refusal says why the database refused a command or a read, without its text: that may hold personal data.
type refusal struct{ code, constraint string }

func (r *refusal) Error() string {
	return "the database refused it: SQLSTATE " + r.code + " " + r.constraint
}

func newRefusal(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	return &refusal{e.Code, e.ConstraintName}
}
