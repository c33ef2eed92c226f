package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// definition is that of an index.
type definition struct {
	table, name string
	primary     bool
	megabytes   int // of memory, to build it in
	statement   string
}

// Which indexes.
const (
	primaryKeys = "i.indisprimary"
	indexes     = "true"
)

// GIN indexes and large ones come first, which take longest. A B-tree is sorted in parts that a processor's cache
// holds, which are then merged: faster than all in memory. A GIN index is built in such parts, too, but gone through again for each of
// them, so that there must not be too many.
const missingIndexes = `
SELECT t.relname, c.relname, i.indisprimary,
  CASE a.amname WHEN 'btree' THEN 16 ELSE LEAST(GREATEST((pg_relation_size(to_regclass('` + shadowSchema + `.' || t.relname)) >> 20) / 20, 16), 256) END,
  pg_get_indexdef(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_am a ON a.oid = c.relam
WHERE i.indrelid = ANY ($1::text[]::regclass[]) AND %s AND to_regclass('` + shadowSchema + `.' || c.relname) IS NULL
ORDER BY a.amname = 'btree', pg_relation_size(c.oid) DESC`

// missing are the indexes of the live tables that the new ones lack; their names stay, which are the schema's.
func (m maker) missing(ctx context.Context, which string) ([]definition, error) {
	tables := make([]string, len(m.tables))
	for i, table := range m.tables {
		tables[i] = live(table)
	}
	rows, _ := m.tx.Query(ctx, fmt.Sprintf(missingIndexes, which), tables)
	missing, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d definition, err error) {
		err = row.Scan(&d.table, &d.name, &d.primary, &d.megabytes, &d.statement)
		d.statement = strings.Replace(d.statement, " ON derived.", " ON "+shadowSchema+".", 1)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("look at the indexes of %s: %w", m.tables, err)
	}
	return missing, nil
}
