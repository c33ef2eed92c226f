package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// How PostgreSQL finds the answers is said by its own module auto_explain, of statements as the service sends them.
var explainAll = []string{
	"SET session_preload_libraries = 'auto_explain'", "SET auto_explain.log_min_duration = 0",
	"SET auto_explain.log_analyze = on", "SET auto_explain.log_buffers = on",
}

// writePlans asks each question about the middle of the log once more, and shows the plan.
func (b *bench) writePlans(ctx context.Context, w io.Writer, binary string, long *world) error {
	for _, sql := range explainAll {
		if _, err := b.pg.admin.Exec(ctx, "ALTER DATABASE "+long.name+" "+sql); err != nil {
			return err
		}
	}
	explaining := *long
	var err error
	if explaining.service, err = b.serve(ctx, binary, long.name); err != nil {
		return err
	}
	defer func() { _ = explaining.service.stop() }()
	if explaining.asks, err = dial(ctx, explaining.service.addr); err != nil {
		return err
	}
	defer explaining.asks.close()
	explaining.from = long.from.Add(long.until.Sub(long.from) / 2)
	explaining.until = explaining.from.Add(eventsPerUser * time.Millisecond) // in whose middle it asks
	for _, r := range travels[1:] {
		if _, err := explaining.ask(r, true); err != nil {
			return err
		}
		plan, err := b.pg.lastPlan()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n### %s\n\n```text\n%s```\n", r.name, plan)
	}
	return nil
}

var (
	dated     = regexp.MustCompile(`(?m)^\d{4}-\d{2}-\d{2} .*$`) // the first line of an entry
	planBegin = regexp.MustCompile(`(?m)^\t\S.*\(cost=`)
)

// lastPlan is that of the last list of the past in the server's log, without the statement.
func (p *postgres) lastPlan() (string, error) {
	logs, err := filepath.Glob(filepath.Join(p.folder, "*.log"))
	if err != nil || len(logs) == 0 {
		return "", fmt.Errorf("find the log of the server: %w", err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		return "", err
	}
	plan := ""
	for _, entry := range dated.Split(string(content), -1) {
		if begin := planBegin.FindStringIndex(entry); begin != nil && strings.Contains(entry, " page AS MATERIALIZED (") && !strings.Contains(entry, "EXPLAIN") {
			plan = strings.ReplaceAll(entry[begin[0]+1:], "\n\t", "\n")
		}
	}
	if plan == "" {
		return "", errors.New("the server's log has no plan of a list of the past")
	}
	return plan, nil
}
