package outbox

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// handlerError is what a handler said about the events behind a checkpoint.
type handlerError struct {
	checkpoint int64
	err        error
}

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// isDatabaseFailure tells failures of the database itself, which are no event's fault, from those that
// data causes: connection, resources, operator, system, read-only, another transaction in the way.
func isDatabaseFailure(tx pgx.Tx, err error) bool {
	if tx.Conn().IsClosed() {
		return true
	}
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "25006" || strings.Contains(" 08 40 53 55 57 58 ", " "+e.Code[:2]+" "))
}

// reason is an error as an operator may see it: of a database error only the code and the constraint,
// as its text can hold the data.
func reason(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return strings.TrimSpace("SQLSTATE " + e.Code + " " + e.ConstraintName)
	}
	return err.Error()
}
