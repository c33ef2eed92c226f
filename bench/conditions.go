package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// What decides how much a commit costs, and how much is kept in memory.
const selectSettings = `
SELECT name || ' = ' || current_setting(name)
FROM unnest(ARRAY['fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers', 'max_wal_size']) AS name`

// conditions says on what everything below was measured.
func (b *bench) conditions(ctx context.Context) ([]string, error) {
	rows, _ := b.pg.admin.Query(ctx, selectSettings)
	settings, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	typical, rare, err := probeDisk(b.pg.server.DataDir)
	if err != nil {
		return nil, err
	}
	said := []string{
		fmt.Sprintf("%d CPUs (%s/%s) shared by load, contenders and database; %s; %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), b.pg.server.Version),
		strings.Join(settings, ", "),
		fmt.Sprintf("writing 8 KiB and syncing it: %v (median), %v (99th percentile)", typical, rare),
	}
	if typical < memoryNotDisk {
		said = append(said, "**this quick a sync is memory or a cache, not a disk: choose another -dir**")
	}
	return said, nil
}

const (
	probes        = 500
	memoryNotDisk = 10 * time.Microsecond
)

// probeDisk measures what a commit has to wait for.
func probeDisk(dir string) (typical, rare time.Duration, err error) {
	f, err := os.Create(filepath.Join(dir, "sync-probe"))
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 8<<10)
	var took []time.Duration
	for range probes {
		began := time.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return percentile(took, 50).Round(time.Microsecond), percentile(took, 99).Round(time.Microsecond), nil
}
