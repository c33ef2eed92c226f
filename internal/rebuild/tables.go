package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

const indexesOf = `
SELECT c.relname, pg_get_indexdef(c.oid), i.indisprimary
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::regclass ORDER BY c.relname`

type index struct {
	Name, Definition string
	Primary          bool
}

// On all processors an index, and a comparison, is done sooner, and leaves none to whoever writes meanwhile.
const useOneProcessor = `SET LOCAL max_parallel_maintenance_workers = 0; SET LOCAL max_parallel_workers_per_gather = 0`

// index gives the tables the indexes of the live ones, under the same names, which are the schema's.
func (r *Run) index(ctx context.Context) error {
	if r.others {
		if err := r.run(ctx, useOneProcessor); err != nil {
			return err
		}
	}
	for _, table := range r.target.Tables {
		rows, _ := r.tx.Query(ctx, indexesOf, live(table))
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

// live is the full name of a table.
func live(table string) string { return "derived." + table }

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
		return fmt.Errorf("%.30s …: %w", statement, err)
	}
	return nil
}
