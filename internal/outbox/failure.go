package outbox

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// handlerError is what a handler said about events: they are at fault, or it is.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

func isHandlersFault(err error) bool {
	var h *handlerError
	return errors.As(err, &h)
}

// No event can be at fault for these: not supported, connection, another transaction in the way, access
// or a table that is not there, resources, not in the state, operator, system, internal.
const databaseClasses = " 0A 08 25 40 42 53 55 57 58 XX "

// isDatabaseFailure tells failures of the database itself from those that data causes.
func isDatabaseFailure(tx pgx.Tx, err error) bool {
	if tx.Conn().IsClosed() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.Contains(databaseClasses, " "+e.Code[:2]+" ")
}

// Reason is an error as an operator may see it: of a database error only the code and the constraint,
// as its text can hold the data.
func Reason(err error) string {
	var e *pgconn.PgError
	if d := new(discreet); !errors.As(err, &d) && errors.As(err, &e) {
		return strings.TrimSpace("SQLSTATE " + e.Code + " " + e.ConstraintName)
	}
	return err.Error()
}

// Discreet is an error that says no more than Reason. What it was can be asked, as with errors.As.
func Discreet(err error) error { return &discreet{err} }

type discreet struct{ err error }

func (d *discreet) Error() string { return Reason(d.err) }
func (d *discreet) Unwrap() error { return d.err }
