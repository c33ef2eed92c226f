package rebuild

import (
	"context"
	"fmt"
	"time"
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
	if err := r.together(ctx, maker.lockLargest); err != nil {
		return err
	}
	left, err := r.makers[1].left(ctx)
	if err != nil {
		return err
	}
	return r.together(ctx, func(m maker, ctx context.Context) error {
		if m.isFirst() {
			if err := m.buildAll(ctx, indexes); err != nil {
				return err
			}
		}
		for d := range left {
			if err := m.build(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// beginIndexing takes statistics and builds primary keys. The maker of the largest table then commits it.
func (m maker) beginIndexing(ctx context.Context) error {
	for _, table := range m.tables {
		if err := m.exec(ctx, "ANALYZE "+shadow(table)); err != nil {
			return err
		}
	}
	if err := m.buildAll(ctx, primaryKeys); err != nil || m.isFirst() {
		return err
	}
	return m.commitAndGoOn(ctx)
}

// lockLargest takes the lock that building an index does. Were a VACUUM to come between two makers, it would wait for the one who has the
// lock already, who waits for the other at the end, who would wait behind the VACUUM.
func (m maker) lockLargest(ctx context.Context) error {
	return m.exec(ctx, "LOCK TABLE "+shadow(m.run.target.Largest)+" IN SHARE MODE")
}

// left are the indexes that the tables of a maker lack, for whoever takes the next of them.
func (m maker) left(ctx context.Context) (<-chan definition, error) {
	missing, err := m.missing(ctx, indexes)
	if err != nil {
		return nil, err
	}
	left := make(chan definition, len(missing))
	defer close(left)
	for _, d := range missing {
		left <- d
	}
	return left, nil
}

// buildAll builds the indexes that the tables lack.
func (m maker) buildAll(ctx context.Context, which string) error {
	missing, err := m.missing(ctx, which)
	if err != nil {
		return err
	}
	for _, d := range missing {
		if err := m.build(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// build builds an index, and rests.
func (m maker) build(ctx context.Context, d definition) error {
	began := time.Now()
	if err := m.exec(ctx, fmt.Sprintf("SET LOCAL maintenance_work_mem = '%dMB'", d.megabytes)); err != nil {
		return err
	}
	if err := m.exec(ctx, d.statement); err != nil {
		return err
	}
	if d.primary {
		if err := m.exec(ctx, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %[2]s", shadow(d.table), d.name)); err != nil {
			return err
		}
	}
	return m.run.way.rest(ctx, time.Since(began))
}
