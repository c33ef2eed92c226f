package rebuild

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// index gives the tables, which are full, statistics and the indexes that they lack. The largest one is committed with its primary key, by
// which its maker compares it; whoever is done with the others then builds indexes of it, too.
func (r *Run) index(ctx context.Context) error {
	if err := r.together(ctx, maker.beginIndexing); err != nil {
		return err
	}
	if len(r.makers) == 1 {
		return r.makers[0].buildAll(ctx, indexes)
	}
	left, err := r.makers[1].share(ctx)
	if err != nil {
		return err
	}
	return r.together(ctx, func(m maker, ctx context.Context) error {
		if m.tx == r.tx {
			if err := m.buildAll(ctx, indexes); err != nil {
				return err
			}
		}
		for statement := range left {
			if err := m.build(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m maker) beginIndexing(ctx context.Context) error {
	for _, table := range m.tables {
		if err := m.exec(ctx, "ANALYZE "+shadow(table)); err != nil {
			return err
		}
	}
	return m.buildAll(ctx, primaryKeys)
}

// share commits the tables of a maker, and returns statements that build their indexes, for whoever takes the next of them.
func (m maker) share(ctx context.Context) (<-chan string, error) {
	if err := m.commitAndGoOn(ctx); err != nil {
		return nil, err
	}
	missing, err := m.missing(ctx, indexes)
	if err != nil {
		return nil, err
	}
	left := make(chan string, len(missing))
	defer close(left)
	for _, statement := range missing {
		left <- statement
	}
	return left, nil
}

// buildAll builds the indexes that tables lack.
func (m maker) buildAll(ctx context.Context, which string) error {
	missing, err := m.missing(ctx, which)
	if err != nil {
		return err
	}
	for _, statement := range missing {
		if err := m.build(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// build builds an index, and rests.
func (m maker) build(ctx context.Context, statement string) error {
	began := time.Now()
	if err := m.exec(ctx, statement); err != nil {
		return err
	}
	return m.run.way.rest(ctx, time.Since(began))
}

// Which indexes.
const (
	primaryKeys = "i.indisprimary"
	indexes     = "true"
)

// Those that take longest come first. A B-tree is sorted in parts that a processor's cache holds, which are then merged: faster than all
// in memory. A GIN index is built in such parts, too, but gone through again for each of them, so that there must not be too many.
const missingIndexes = `
SELECT format('SET LOCAL maintenance_work_mem = %%L; %%s',
  CASE a.amname WHEN 'btree' THEN 16 ELSE LEAST(GREATEST((pg_relation_size(full_table) >> 20) / 20, 16), 256) END || 'MB', pg_get_indexdef(c.oid))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
CROSS JOIN LATERAL to_regclass('` + shadowSchema + `.' || (SELECT relname FROM pg_class WHERE oid = i.indrelid)) AS full_table
WHERE i.indrelid = ANY ($1::text[]::regclass[]) AND %s AND to_regclass('` + shadowSchema + `.' || c.relname) IS NULL
ORDER BY a.amname = 'btree', pg_relation_size(c.oid) DESC`

// missing are statements that build the indexes of the live tables that the new ones lack, under the same names, which are the schema's.
func (m maker) missing(ctx context.Context, which string) ([]string, error) {
	tables := make([]string, len(m.tables))
	for i, table := range m.tables {
		tables[i] = live(table)
	}
	rows, _ := m.tx.Query(ctx, fmt.Sprintf(missingIndexes, which), tables)
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look at the indexes of %s: %w", m.tables, err)
	}
	for i, statement := range statements {
		statements[i] = strings.Replace(statement, " ON derived.", " ON "+shadowSchema+".", 1)
	}
	return statements, nil
}
