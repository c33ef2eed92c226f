package feed_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/pgtest"
)

const (
	writers   = 8
	perWriter = 150
	total     = 2 * writers * perWriter
)

// Eight writers in two replicas. Consumers that remember one position, and turn to the one or the other
// replica as chance will have it, get every event once and in order: page by page, by long poll, as a
// stream that breaks off all the time, and with a filter.
func TestNothingIsMissedOrRepeated(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	replicas := []replica{open(t, url), open(t, url)}
	consumers := map[string]func(context.Context, *feed.Hub, int64) ([]feed.Event, int64){
		"pages": func(ctx context.Context, h *feed.Hub, after int64) ([]feed.Event, int64) {
			return page(ctx, t, h, after, feed.Filter{}, 0)
		},
		"long poll": func(ctx context.Context, h *feed.Hub, after int64) ([]feed.Event, int64) {
			return page(ctx, t, h, after, feed.Filter{}, time.Second)
		},
		"stream": func(ctx context.Context, h *feed.Hub, after int64) ([]feed.Event, int64) {
			return follow(ctx, t, h, after, feed.Filter{})
		},
		"filtered stream": func(ctx context.Context, h *feed.Hub, after int64) ([]feed.Event, int64) {
			return follow(ctx, t, h, after, feed.Filter{Types: []string{"UserDeleted"}})
		},
		"filtered long poll": func(ctx context.Context, h *feed.Hub, after int64) ([]feed.Event, int64) {
			return page(ctx, t, h, after, feed.Filter{Types: []string{"UserDeleted"}}, time.Second)
		},
	}
	var all sync.WaitGroup
	for range writers {
		all.Go(func() { write(t, replicas) })
	}
	got := map[string][]feed.Event{}
	var mu sync.Mutex
	for name, consume := range consumers {
		all.Go(func() {
			var events []feed.Event
			for at := int64(0); at < total && t.Context().Err() == nil && !t.Failed(); {
				more, next := consume(t.Context(), replicas[rand.IntN(2)].hub, at)
				events, at = append(events, more...), next
			}
			mu.Lock()
			defer mu.Unlock()
			got[name] = events
		})
	}
	all.Wait()
	for name, events := range got {
		t.Run(name, func(t *testing.T) { wantAll(t, name, events) })
	}
}

// write makes users and deletes them, in one replica or the other.
func write(t *testing.T, replicas []replica) {
	for range perWriter {
		user := uuid.New()
		gone := created(user)
		gone.ExpectedVersion, gone.Events[0].Type, gone.Events[0].Data = 1, "UserDeleted", []byte(`{}`)
		r := replicas[rand.IntN(2)]
		if _, err := r.log.Append(t.Context(), created(user)); err != nil {
			t.Error(err)
		}
		if _, err := r.log.Append(t.Context(), gone); err != nil {
			t.Error(err)
		}
	}
}

func page(ctx context.Context, t *testing.T, h *feed.Hub, after int64, f feed.Filter, wait time.Duration) ([]feed.Event, int64) {
	p, err := h.Page(ctx, after, f, 1+rand.IntN(20), wait)
	if err != nil {
		t.Error(err)
		return nil, after
	}
	return p.Events, p.Next
}

// follow reads a stream that breaks off after a few events, or when nothing comes.
func follow(ctx context.Context, t *testing.T, h *feed.Hub, after int64, f feed.Filter) (events []feed.Event, position int64) {
	r, err := h.Follow(ctx, after, f)
	if err != nil {
		t.Error(err)
		return nil, after
	}
	defer r.Close()
	for range 1 + rand.IntN(5) {
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		more, err := r.Next(waiting)
		cancel()
		if err != nil {
			t.Error(err)
		}
		events = append(events, more...)
		if len(more) == 0 {
			break
		}
	}
	return events, r.Position()
}

func wantAll(t *testing.T, name string, events []feed.Event) {
	switch name {
	case "filtered stream", "filtered long poll":
		last := int64(0)
		for _, e := range events {
			if e.Type != "UserDeleted" || e.Position <= last {
				t.Fatalf("%s at %d behind %d", e.Type, e.Position, last)
			}
			last = e.Position
		}
		if len(events) != total/2 {
			t.Errorf("%d events, want %d", len(events), total/2)
		}
	default:
		wantRun(t, 0, events)
		if len(events) != total {
			t.Errorf("%d events, want %d", len(events), total)
		}
	}
}
