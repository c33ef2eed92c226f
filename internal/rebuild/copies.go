package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/tuples"
)

// Copies are tables of a schema that are made like live ones, filled from the log and compared with them,
// all in one transaction. A live table is called by its full name, such as derived.user_profiles, and has a
// primary key.
type Copies struct {
	tx     pgx.Tx
	schema string
	format string // of COPY
}

// NewCopies makes tables in a schema; pg_temp is one, too.
func NewCopies(tx pgx.Tx, schema string) Copies { return Copies{tx, schema, "FORMAT binary"} }

// shadows are the copies that take the place of live tables. Their rows are frozen, so everybody sees them: to whoever has a
// snapshot from before the switch the table would seem empty otherwise. And no vacuum has to come for them.
func shadows(tx pgx.Tx) Copies { return Copies{tx, shadowSchema, "FORMAT binary, FREEZE"} }

// of is the name of a live table's copy.
func (c Copies) of(live string) string {
	_, name, _ := strings.Cut(live, ".")
	return c.schema + "." + name
}

const storageOf = `SELECT COALESCE('WITH (' || array_to_string(reloptions, ', ') || ')', '') FROM pg_class WHERE oid = $1::regclass`

// Create makes an empty copy, without indexes: with all of them, filling it would take several times as long.
func (c Copies) Create(ctx context.Context, live string) error {
	var storage string
	if err := c.tx.QueryRow(ctx, storageOf, live).Scan(&storage); err != nil {
		return fmt.Errorf("look at %s: %w", live, err)
	}
	statement := fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING STORAGE) %s", c.of(live), live, storage)
	if _, err := c.tx.Exec(ctx, statement); err != nil {
		return fmt.Errorf("copy %s: %w", live, err)
	}
	return nil
}

// Fill adds rows to a copy, in the order of the live table's columns.
func (c Copies) Fill(ctx context.Context, live string, rows tuples.Rows) error {
	if rows.Empty() {
		return nil
	}
	statement := fmt.Sprintf("COPY %s FROM STDIN (%s)", c.of(live), c.format)
	if _, err := c.tx.Conn().PgConn().CopyFrom(ctx, rows.File(), statement); err != nil {
		return fmt.Errorf("copy rows of %s: %w", live, err)
	}
	return nil
}
