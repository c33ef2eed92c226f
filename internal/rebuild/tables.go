package rebuild

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/tuples"
)

// create makes the tables, empty. While others write they have all indexes from the beginning. That is several times the work, but done
// row by row, while a large index that is sorted and written out at once has whoever commits meanwhile wait for the disk.
func (m maker) create(ctx context.Context) error {
	for _, table := range m.tables {
		if err := shadows(m.tx).Create(ctx, live(table)); err != nil {
			return err
		}
		if m.run.way.alone.Load() {
			continue
		}
		if err := m.build(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// fill adds rows to the tables.
func (m maker) fill(ctx context.Context, rows map[string]tuples.Rows) error {
	for _, table := range m.tables {
		if err := shadows(m.tx).Fill(ctx, live(table), rows[table]); err != nil {
			return err
		}
	}
	return nil
}

// index gives the tables, which are full, the indexes that they lack.
func (m maker) index(ctx context.Context) error {
	if err := m.exec(ctx, fmt.Sprintf("SET LOCAL max_parallel_maintenance_workers = %d", m.workers())); err != nil {
		return err
	}
	for _, table := range m.tables {
		if err := m.exec(ctx, "ANALYZE "+shadow(table)); err != nil {
			return err
		}
		if err := m.build(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// workers help to build B-trees: none while others write, nor for the smaller tables while the largest one is made.
func (m maker) workers() int {
	if !m.run.way.alone.Load() || len(m.run.makers) > 1 && m.tables[0] != m.run.target.Largest {
		return 0
	}
	return 1
}

// Those that only one processor builds come first, as the other one may be free later.
const missingIndexes = `
SELECT c.relname, pg_get_indexdef(c.oid), i.indisprimary
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE i.indrelid = $1::regclass AND to_regclass('` + shadowSchema + `.' || c.relname) IS NULL
ORDER BY a.amname = 'btree', c.relname`

// build makes the indexes of the live table that are missing, under the same names, which are the schema's. After each, it rests.
func (m maker) build(ctx context.Context, table string) error {
	statements, err := m.definitions(ctx, table)
	if err != nil {
		return fmt.Errorf("look at the indexes of %s: %w", table, err)
	}
	for _, statement := range statements {
		began := time.Now()
		if err := m.exec(ctx, statement); err != nil {
			return err
		}
		if err := m.run.way.rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) definitions(ctx context.Context, table string) (statements []string, err error) {
	var name, definition string
	var primary bool
	rows, _ := m.tx.Query(ctx, missingIndexes, live(table))
	_, err = pgx.ForEachRow(rows, []any{&name, &definition, &primary}, func() error {
		statements = append(statements, strings.Replace(definition, " ON derived.", " ON "+shadowSchema+".", 1))
		if primary {
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %[2]s", shadow(table), name))
		}
		return nil
	})
	return statements, err
}

// live and shadow are the full names of a table and of what takes its place.
func live(table string) string   { return "derived." + table }
func shadow(table string) string { return shadowSchema + "." + table }

// lockNew waits for whoever looks at the new tables, as an automatic vacuum may, before anybody has to wait for us.
func (r *Run) lockNew(ctx context.Context, tx pgx.Tx) error {
	for _, table := range r.target.Tables {
		if _, err := tx.Exec(ctx, "LOCK TABLE "+shadow(table)); err != nil {
			return fmt.Errorf("lock what replaces %s: %w", table, err)
		}
	}
	return nil
}

// replace moves the tables to where the live ones are, which are gone then.
func (r *Run) replace(ctx context.Context, tx pgx.Tx) error {
	for _, table := range r.target.Tables {
		_, err := tx.Exec(ctx, fmt.Sprintf("DROP TABLE %s; ALTER TABLE %s SET SCHEMA derived", live(table), shadow(table)))
		if err != nil {
			return fmt.Errorf("replace %s: %w", table, err)
		}
	}
	return nil
}
