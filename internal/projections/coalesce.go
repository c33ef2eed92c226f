package projections

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// Two queries under way keep both sides of the connection busy; with more, each carries fewer
	// reads and the gain is lost.
	maxRunning = 2
	// A query serves many readers, so it has a deadline of its own and none of theirs.
	coalescedTimeout = 2 * time.Second
)

// coalescer answers concurrent reads by key with one query for many keys. A read joins only a query
// that starts after it was asked for, so no answer is older than its question. A query has at most as
// many keys as there are requests under way.
type coalescer[K comparable, V any] struct {
	read func(context.Context, []K) (map[K]V, error)

	mu      sync.Mutex
	waiting *round[K, V] // the reads of the next query, nil if there are none
	running int
}

// round is the reads that one query answers.
type round[K comparable, V any] struct {
	keys []K
	done chan struct{}
	rows map[K]V
	err  error
}

func newCoalescer[K comparable, V any](read func(context.Context, []K) (map[K]V, error)) *coalescer[K, V] {
	return &coalescer[K, V]{read: read}
}

// get returns the value of a key, the zero value if there is none.
func (c *coalescer[K, V]) get(ctx context.Context, key K) (V, error) {
	r, lead := c.join(key)
	if lead {
		// Run here, not in a goroutine of its own: a lonely reader pays for no hand-over.
		c.run(context.WithoutCancel(ctx), r)
	}
	select {
	case <-r.done:
		return r.rows[key], r.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// join puts a key into the next query. lead says that the caller has to run it.
func (c *coalescer[K, V]) join(key K) (r *round[K, V], lead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = &round[K, V]{done: make(chan struct{})}
	}
	r = c.waiting
	r.keys = append(r.keys, key)
	if c.running < maxRunning {
		c.running++
		c.waiting = nil
		return r, true
	}
	return r, false
}

// run answers a round, then has the one that has gathered meanwhile answered, even after a panic: the
// other readers must not wait for ever.
func (c *coalescer[K, V]) run(ctx context.Context, r *round[K, V]) {
	defer c.runNext(ctx)
	defer close(r.done)
	ctx, cancel := context.WithTimeout(ctx, coalescedTimeout)
	defer cancel()
	r.err = errNotRead
	r.rows, r.err = c.read(ctx, r.keys)
}

var errNotRead = errors.New("the query came to no end")

func (c *coalescer[K, V]) runNext(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.running--
		return
	}
	go c.run(ctx, c.waiting)
	c.waiting = nil
}
