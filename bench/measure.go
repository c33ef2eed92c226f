package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// bench is everything that runs while measuring.
type bench struct {
	options
	progress io.Writer
	dir      string // ours, removed at the end
	pg       *postgres
	service  *process
	plain    map[string]*process // the contenders that serve HTTP, by name
	pgbench  *pgbench            // nil: there is none
	report   *report
}

// measure takes every measurement. Whatever it started is stopped when it returns.
func measure(ctx context.Context, o options, progress io.Writer) (_ *report, err error) {
	b := &bench{options: o, progress: progress, plain: map[string]*process{}, report: &report{options: o}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	for round := range o.rounds {
		if err := b.round(ctx, round); err != nil {
			return nil, err
		}
	}
	if err := b.past(ctx); err != nil {
		return nil, fmt.Errorf("measure as_of: %w", err)
	}
	return b.report, nil
}

func (b *bench) open(ctx context.Context) (err error) {
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	b.report.conditions = append(b.report.conditions,
		fmt.Sprintf("%d rounds of %v a measurement, after %v of warming up; the service with USERSVC_LOG_LEVEL=warn and no other setting", b.rounds, b.period, b.warmUp))
	if b.service, err = b.startService(ctx); err != nil {
		return err
	}
	for name, c := range contenders {
		if b.plain[name], err = b.startContender(ctx, name, c); err != nil {
			return err
		}
	}
	b.pgbench, err = b.newPgbench(ctx)
	return err
}

func (b *bench) openDatabase(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp(b.options.dir, "usersvc-bench-"); err != nil {
		return err
	}
	if err = os.Chmod(b.dir, 0o755); err != nil { // root's PostgreSQL runs as another user, who has to pass
		return err
	}
	if b.pg, err = startPostgres(ctx, b.dir, b.throwaway); err != nil {
		return err
	}
	b.report.conditions, err = b.conditions(ctx)
	return err
}

// close stops the contenders before their database.
func (b *bench) close() error {
	var err error
	for _, p := range b.plain {
		err = errors.Join(err, p.stop())
	}
	err = errors.Join(err, b.service.stop(), b.pg.stop())
	if b.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, strings.TrimSuffix(format, "\n")+"\n", args...)
}
