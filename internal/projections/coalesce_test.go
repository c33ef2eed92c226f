package projections

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestReadsThatWaitTogetherAreAnsweredTogether(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	release := make(chan struct{})
	c := newCoalescer(func(_ context.Context, keys []int) (map[int]int, error) {
		queries.Add(1)
		<-release
		squares := map[int]int{}
		for _, k := range keys {
			squares[k] = k * k
		}
		return squares, nil
	})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if got, err := c.get(t.Context(), i); err != nil || got != i*i {
				t.Errorf("get(%d) = %d, %v", i, got, err)
			}
		})
	}
	for joined := 0; joined < 100-maxRunning; { // all but the first wait for the next query
		c.mu.Lock()
		if c.waiting != nil {
			joined = len(c.waiting.keys)
		}
		c.mu.Unlock()
	}
	close(release)
	wg.Wait()
	if n := queries.Load(); n != maxRunning+1 {
		t.Errorf("%d queries for 100 reads, want %d", n, maxRunning+1)
	}
	for running := 1; running > 0; { // the last one says so a moment after its readers have gone
		c.mu.Lock()
		running = c.running
		c.mu.Unlock()
	}
}

// A read must not join a query that began before it: that one may have seen an older state.
func TestReadIsNeverOlderThanItsQuestion(t *testing.T) {
	t.Parallel()
	var state atomic.Int64
	c := newCoalescer(func(_ context.Context, keys []int) (map[int]int64, error) {
		return map[int]int64{keys[0]: state.Load()}, nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				least := state.Add(1)
				if got, err := c.get(t.Context(), 1); err != nil || got < least {
					t.Errorf("asked at %d, answered %d (%v)", least, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestReaderThatLeavesDisturbsNobody(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, maxRunning+1), make(chan struct{})
	c := newCoalescer(func(ctx context.Context, keys []int) (map[int]int, error) {
		entered <- struct{}{}
		<-release
		return map[int]int{keys[0]: 1}, ctx.Err()
	})
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	var wg sync.WaitGroup
	for range maxRunning {
		wg.Go(func() {
			if _, err := c.get(t.Context(), 7); err != nil {
				t.Error(err)
			}
		})
	}
	for range maxRunning {
		<-entered
	}
	go func() { _, err := c.get(leaving, 7); left <- err }()
	wg.Go(func() {
		if _, err := c.get(t.Context(), 7); err != nil {
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
