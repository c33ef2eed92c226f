package rebuild

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// create makes the tables, empty, with their primary keys: users are folded in that order, so each row goes to the right end of
// a tree. While others write they have all indexes from the beginning. That is several times the work, but done row by row,
// while a large index that is sorted and written out at once has whoever commits meanwhile wait for the disk.
func (r *Run) create(ctx context.Context) error {
	for _, table := range r.target.Tables {
		if err := shadows(r.tx).Create(ctx, live(table)); err != nil {
			return err
		}
		if err := r.build(ctx, table, !r.way.alone.Load()); err != nil {
			return err
		}
	}
	return nil
}

// On all processors an index, and a comparison, is done sooner, and leaves none to whoever writes meanwhile.
const useOneProcessor = `SET LOCAL max_parallel_maintenance_workers = 0; SET LOCAL max_parallel_workers_per_gather = 0`

// index gives the tables, which are full, the indexes that they lack.
func (r *Run) index(ctx context.Context) error {
	if !r.way.alone.Load() {
		if err := r.run(ctx, useOneProcessor); err != nil {
			return err
		}
	}
	for _, table := range r.target.Tables {
		if err := r.build(ctx, table, true); err != nil {
			return err
		}
		if err := r.run(ctx, "ANALYZE rebuild."+table); err != nil {
			return err
		}
	}
	return nil
}

const missingIndexes = `
SELECT c.relname, pg_get_indexdef(c.oid), i.indisprimary
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::regclass AND (i.indisprimary OR $2) AND to_regclass('` + shadowSchema + `.' || c.relname) IS NULL
ORDER BY c.relname`

// build makes the indexes of the live table that are missing, under the same names, which are the schema's: all, or the
// primary key's alone. After each, it rests.
func (r *Run) build(ctx context.Context, table string, all bool) error {
	statements, err := r.definitions(ctx, table, all)
	if err != nil {
		return fmt.Errorf("look at the indexes of %s: %w", table, err)
	}
	for _, statement := range statements {
		began := time.Now()
		if err := r.run(ctx, statement); err != nil {
			return err
		}
		if err := r.way.rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) definitions(ctx context.Context, table string, all bool) (statements []string, err error) {
	var name, definition string
	var primary bool
	rows, _ := r.tx.Query(ctx, missingIndexes, live(table), all)
	_, err = pgx.ForEachRow(rows, []any{&name, &definition, &primary}, func() error {
		statements = append(statements, strings.Replace(definition, " ON derived.", " ON rebuild.", 1))
		if primary {
			statements = append(statements, fmt.Sprintf("ALTER TABLE rebuild.%s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %[2]s", table, name))
		}
		return nil
	})
	return statements, err
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
