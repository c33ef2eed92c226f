package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

const storageOf = `SELECT COALESCE('WITH (' || array_to_string(reloptions, ', ') || ')', '') FROM pg_class WHERE oid = ('derived.' || $1)::regclass`

// create makes empty tables like the live ones, and leaves the indexes for later: with them, copying
// would take several times as long.
func (r *Run) create(ctx context.Context) error {
	for _, table := range r.target.Tables {
		var storage string
		if err := r.tx.QueryRow(ctx, storageOf, table).Scan(&storage); err != nil {
			return fmt.Errorf("look at %s: %w", table, err)
		}
		if err := r.run(ctx, fmt.Sprintf("CREATE TABLE rebuild.%s (LIKE derived.%[1]s INCLUDING DEFAULTS INCLUDING STORAGE) %s", table, storage)); err != nil {
			return err
		}
	}
	return nil
}

const indexesOf = `
SELECT c.relname, pg_get_indexdef(c.oid), i.indisprimary
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ('derived.' || $1)::regclass ORDER BY c.relname`

type index struct {
	Name, Definition string
	Primary          bool
}

// index gives the tables the indexes of the live ones, under the same names, which are the schema's.
func (r *Run) index(ctx context.Context) error {
	for _, table := range r.target.Tables {
		rows, _ := r.tx.Query(ctx, indexesOf, table)
		indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
		if err != nil {
			return fmt.Errorf("look at the indexes of %s: %w", table, err)
		}
		for _, i := range indexes {
			if err := r.run(ctx, strings.Replace(i.Definition, " ON derived.", " ON rebuild.", 1)); err != nil {
				return err
			}
			if i.Primary {
				if err := r.run(ctx, fmt.Sprintf("ALTER TABLE rebuild.%s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %[2]s", table, i.Name)); err != nil {
					return err
				}
			}
		}
		if err := r.run(ctx, "ANALYZE rebuild."+table); err != nil {
			return err
		}
	}
	return nil
}

// replace moves the tables to where the live ones are, which are gone then.
func (r *Run) replace(ctx context.Context, tx pgx.Tx) error {
	for _, table := range r.target.Tables {
		_, err := tx.Exec(ctx, fmt.Sprintf("DROP TABLE derived.%s; ALTER TABLE rebuild.%[1]s SET SCHEMA derived", table))
		if err != nil {
			return fmt.Errorf("replace %s: %w", table, err)
		}
	}
	return nil
}

func (r *Run) run(ctx context.Context, statement string) error {
	if _, err := r.tx.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s …: %w", strings.Join(strings.Fields(statement)[:3], " "), err)
	}
	return nil
}

const columnsOf = `
SELECT attname FROM pg_attribute
WHERE attrelid = ('derived.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

const keyOf = `
SELECT a.attname FROM pg_index i
CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, n)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = ('derived.' || $1)::regclass AND i.indisprimary ORDER BY k.n`

// names of columns: all of a table's, or those of its primary key, of which the first says whose row it is.
func (r *Run) names(ctx context.Context, query, table string) ([]string, error) {
	rows, _ := r.tx.Query(ctx, query, table)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", table, err)
	}
	return names, nil
}
