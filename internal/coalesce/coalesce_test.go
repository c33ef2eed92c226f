package coalesce

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestReadsThatWaitTogetherAreAnsweredTogether(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	release := make(chan struct{})
	c := New(func(_ context.Context, sides []int) ([]int, error) {
		queries.Add(1)
		<-release
		squares := make([]int, len(sides))
		for i, side := range sides {
			squares[i] = side * side
		}
		return squares, nil
	})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if got, err := c.Ask(t.Context(), i); err != nil || got != i*i {
				t.Errorf("Ask(%d) = %d, %v", i, got, err)
			}
		})
	}
	for joined := 0; joined < 100-few; { // all but the first wait for the next query
		c.mu.Lock()
		if c.waiting != nil {
			joined = len(c.waiting.questions)
		}
		c.mu.Unlock()
	}
	close(release)
	wg.Wait()
	if n := queries.Load(); n != few+1 {
		t.Errorf("%d queries for 100 reads, want %d", n, few+1)
	}
	for running := 1; running > 0; { // the last one says so a moment after its readers have gone
		c.mu.Lock()
		running = c.asked
		c.mu.Unlock()
	}
}

// A read must not join a query that began before it: that one may have seen an older state.
func TestReadIsNeverOlderThanItsQuestion(t *testing.T) {
	t.Parallel()
	var state atomic.Int64
	c := New(func(_ context.Context, asked []int) ([]int64, error) {
		return slices.Repeat([]int64{state.Load()}, len(asked)), nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				least := state.Add(1)
				if got, err := c.Ask(t.Context(), 1); err != nil || got < least {
					t.Errorf("asked at %d, answered %d (%v)", least, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestReaderThatLeavesDisturbsNobody(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, few+1), make(chan struct{})
	c := New(func(ctx context.Context, asked []int) ([]int, error) {
		entered <- struct{}{}
		<-release
		return make([]int, len(asked)), ctx.Err()
	})
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	var wg sync.WaitGroup
	for range few {
		wg.Go(func() {
			if _, err := c.Ask(t.Context(), 7); err != nil {
				t.Error(err)
			}
		})
	}
	for range few {
		<-entered
	}
	go func() { _, err := c.Ask(leaving, 7); left <- err }()
	wg.Go(func() {
		if _, err := c.Ask(t.Context(), 7); err != nil {
			t.Error(err)
		}
	})
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left was told %v", err)
	}
	close(release)
	wg.Wait()
}

// Whoever runs a query has waited for other things before, and must not be kept longer than he can wait.
func TestReaderWhoRunsAQueryKeepsHisDeadline(t *testing.T) {
	t.Parallel()
	entered, deadlines := make(chan struct{}, 1), make(chan time.Time, 2)
	c := New(func(ctx context.Context, asked []int) ([]int, error) {
		by, _ := ctx.Deadline()
		deadlines <- by
		if len(entered) == 0 {
			entered <- struct{}{}
			<-ctx.Done()
		}
		return make([]int, len(asked)), ctx.Err()
	})
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Ask(soon, 7); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a reader who is in a hurry was told %v", err)
	}
	his, _ := soon.Deadline()
	if by := <-deadlines; by.After(his) {
		t.Errorf("the query had until %v, and its reader until %v", by, his)
	}
	if _, err := c.Ask(t.Context(), 7); err != nil {
		t.Errorf("the next reader was told %v", err)
	}
	if by := <-deadlines; time.Until(by) < queryTimeout/2 {
		t.Errorf("the next query has the first reader's deadline: %v from now", time.Until(by))
	}
}
