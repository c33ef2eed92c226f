package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// maker makes some of the tables, in a transaction.
type maker struct {
	run    *Run
	tx     pgx.Tx
	tables []string
}

// isFirst says whether it is the rebuild's own transaction.
func (m maker) isFirst() bool { return m.tx == m.run.tx }

// Of fewer, others would be left too few; and nobody waits long for one, as the rebuild's own transaction must not be idle.
const (
	connectionsForTwo = 8
	longestForAnother = 2 * time.Second
)

// findMakers has the rebuild's own transaction make all tables. When nobody writes, another transaction makes the largest one at
// the same time, on the other processor, and commits it when it is full: only who makes a table can freeze its rows.
func (r *Run) findMakers(ctx context.Context) error {
	r.makers = []maker{{r, r.tx, r.target.Tables}}
	if r.target.Largest == "" || !r.way.alone.Load() || r.pool.Config().MaxConns < connectionsForTwo {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, longestForAnother)
	defer cancel()
	tx, err := r.pool.BeginTx(soon, pgx.TxOptions{BeginQuery: making("BEGIN")})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err != nil {
		return err
	}
	r.makers[0].tables = slices.DeleteFunc(slices.Clone(r.target.Tables), func(table string) bool { return table == r.target.Largest })
	r.makers = append(r.makers, maker{r, tx, []string{r.target.Largest}})
	_, err = tx.Exec(ctx, WithoutTimeLimit)
	return err
}

// together has the makers work. Who is done first stays until the other is, too.
func (r *Run) together(ctx context.Context, work func(maker, context.Context) error) error {
	makers, ctx := errgroup.WithContext(ctx)
	var working sync.WaitGroup
	allDone := make(chan struct{})
	for _, m := range r.makers {
		working.Add(1)
		makers.Go(func() error {
			err := work(m, ctx)
			working.Done()
			if err != nil {
				return err
			}
			return m.stayUntil(ctx, allDone)
		})
	}
	working.Wait()
	close(allDone)
	return makers.Wait()
}

// A transaction that is idle for too long is ended.
func (m maker) stayUntil(ctx context.Context, done <-chan struct{}) error {
	for {
		select {
		case <-done:
			return nil
		case <-time.After(lookEvery):
			if err := m.stay(ctx); err != nil {
				return err
			}
		}
	}
}

func (m maker) stay(ctx context.Context) error { return m.exec(ctx, "SELECT") }

func (m maker) exec(ctx context.Context, statement string) error {
	if _, err := m.tx.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%.30s …: %w", statement, err)
	}
	return nil
}

// commitAndGoOn commits what a maker has made. It keeps its connection, as there may be no other.
func (m maker) commitAndGoOn(ctx context.Context) error {
	if err := m.exec(ctx, making("COMMIT AND CHAIN")); err != nil {
		return err
	}
	return m.exec(ctx, WithoutTimeLimit)
}

// joinMakers has the rebuild's own transaction go on alone with what two have made. Before, both compare their tables with the live
// ones, and the other one commits.
func (r *Run) joinMakers(ctx context.Context, position int64) error {
	if len(r.makers) == 1 {
		return nil
	}
	if r.comparable() {
		r.progress.at(comparing, position)
		if err := r.compareAll(ctx, position); err != nil {
			return err
		}
	}
	if err := r.together(ctx, maker.commitIfOther); err != nil {
		return fmt.Errorf("commit %s: %w", r.target.Largest, err)
	}
	r.makers = []maker{{r, r.tx, r.target.Tables}}
	return nil
}

func (m maker) commitIfOther(ctx context.Context) error {
	if m.isFirst() {
		return nil
	}
	return m.tx.Commit(ctx)
}

func (r *Run) rollBack(ctx context.Context) {
	_ = r.tx.Rollback(ctx)
	for _, m := range r.makers {
		_ = m.tx.Rollback(ctx)
	}
}
