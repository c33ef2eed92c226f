package rebuild

import (
	"context"
	"fmt"

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
	}
	if m.run.way.alone.Load() {
		return nil
	}
	return m.buildAll(ctx, indexes)
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
