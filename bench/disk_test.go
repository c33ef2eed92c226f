package main

import (
	"context"
	"testing"
	"time"
)

// A commit takes as much longer as was asked for, and no longer when that is taken back.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := withDatabase(ctx, t, options{})
	if _, err := b.pg.admin.Exec(ctx, "CREATE TABLE committed (n integer)"); err != nil {
		t.Fatal(err)
	}
	commit := func() time.Duration {
		began := time.Now()
		if _, err := b.pg.admin.Exec(ctx, "INSERT INTO committed VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	const longer = 50 * time.Millisecond
	become := func(change time.Duration, seen func(took time.Duration) bool) {
		t.Helper()
		if err := b.pg.slowDown(ctx, change); err != nil {
			t.Fatal(err)
		}
		// A connection learns of it a little later.
		if err := b.pg.await(ctx, "commits to change", func() (bool, error) { return seen(commit()), nil }); err != nil {
			t.Fatal(err)
		}
	}
	become(longer, func(took time.Duration) bool { return took >= longer })
	for range 5 {
		if took := commit(); took < longer {
			t.Errorf("a commit took %v, want %v at least", took, longer)
		}
	}
	become(0, func(took time.Duration) bool { return took < longer })
}
