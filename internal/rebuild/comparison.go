package rebuild

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

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

// Column by column, as making records of them takes as long as all the rest.
const compareTables = `
SELECT DISTINCT whose FROM (
  SELECT live.{whose} AS one, copy.{whose} AS other
  FROM (SELECT * FROM {live} {some}) live {which} JOIN (SELECT * FROM {copy} {some}) copy USING ({key})
  WHERE ({columns of live}) IS DISTINCT FROM ({columns of copy})
) d, unnest(ARRAY[one, other]) AS whose WHERE whose IS NOT NULL LIMIT {most}`

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
	key, err := c.names(ctx, selectKey, live)
	if err != nil {
		return nil, err
	}
	columns, err := c.names(ctx, selectColumns, live)
	if err != nil {
		return nil, err
	}
	some, args := "", []any(nil)
	if only != nil {
		some, args = "WHERE "+whose+" = ANY ($1)", []any{only}
	}
	statement := strings.NewReplacer("{live}", live, "{copy}", c.of(live), "{whose}", whose, "{which}", which, "{some}", some,
		"{key}", strings.Join(key, ", "), "{columns of live}", columnsOf("live", columns), "{columns of copy}", columnsOf("copy", columns),
		"{most}", strconv.Itoa(maxDifferences)).Replace(compareTables)
	rows, _ := settings.Query(ctx, statement, args...)
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

const selectColumns = `SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

// names are those of some of a live table's columns.
func (c Copies) names(ctx context.Context, query, live string) ([]string, error) {
	rows, _ := c.tx.Query(ctx, query, live)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", live, err)
	}
	return names, nil
}

func columnsOf(table string, columns []string) string {
	return table + "." + strings.Join(columns, ", "+table+".")
}
