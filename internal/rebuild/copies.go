package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
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

// Rows on one side only are a difference, unless it is a cache.
const (
	AllRows    = "FULL"
	CommonRows = "INNER"
)

// Whole tables are compared by reading them from one end to the other: along their primary keys if both have one, as the
// tables of a rebuild are in that order anyway.
const (
	compareFast   = `SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB'`
	compareSorted = `SET LOCAL enable_hashjoin = off; SET LOCAL enable_sort = off`
	isIndexed     = `SELECT relhasindex FROM pg_class WHERE oid = $1::regclass`
)

const compareTables = `
SELECT DISTINCT whose FROM (
  SELECT l.%[3]s AS one, c.%[3]s AS other
  FROM (SELECT * FROM %[1]s %[5]s) l %[6]s JOIN (SELECT * FROM %[2]s %[5]s) c USING (%[4]s)
  WHERE l IS DISTINCT FROM c
) d, unnest(ARRAY[one, other]) AS whose WHERE whose IS NOT NULL LIMIT %[7]d`

// More than these are not told apart from each other: something is wrong with all.
const maxDifferences = 100_000

// Compare returns whose rows differ, of all or only of some; whose a row is says one of its columns.
func (c Copies) Compare(ctx context.Context, live, whose, which string, only [][16]byte) (different []uuid.UUID, err error) {
	settings, err := c.tx.Begin(ctx) // which end with it
	if err != nil {
		return nil, err
	}
	defer func() { _ = settings.Rollback(ctx) }()
	if err := c.prepare(ctx, settings, live, only == nil); err != nil {
		return nil, err
	}
	key, err := c.keyOf(ctx, live)
	if err != nil {
		return nil, err
	}
	filter, args := "", []any(nil)
	if only != nil {
		filter, args = "WHERE "+whose+" = ANY ($1)", []any{only}
	}
	rows, _ := settings.Query(ctx, fmt.Sprintf(compareTables, live, c.of(live), whose, strings.Join(key, ", "), filter, which, maxDifferences), args...)
	different, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", live, err)
	}
	return different, nil
}

func (c Copies) prepare(ctx context.Context, settings pgx.Tx, live string, whole bool) error {
	var indexed bool
	if err := settings.QueryRow(ctx, isIndexed, c.of(live)).Scan(&indexed); err != nil {
		return fmt.Errorf("look at the copy of %s: %w", live, err)
	}
	statements := compareFast
	if whole && indexed {
		statements += "; " + compareSorted
	}
	_, err := settings.Exec(ctx, statements)
	return err
}

const selectKey = `
SELECT a.attname FROM pg_index i
CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, n)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.n`

// keyOf is the primary key of a live table.
func (c Copies) keyOf(ctx context.Context, live string) ([]string, error) {
	rows, _ := c.tx.Query(ctx, selectKey, live)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", live, err)
	}
	return names, nil
}
