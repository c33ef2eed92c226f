package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// Whoever has read what the log lost is told, though it has grown beyond that again; whoever has not goes on.
func TestLogThatGoesBack(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := open(t, db.URL)
	r.append(t, many(10)...)
	waiting, busy, behind := follower(t, r.hub, 10), follower(t, r.hub, 10), follower(t, r.hub, 5)
	startTail(t, waiting)
	polled := make(chan error)
	go func() {
		_, err := r.hub.Page(t.Context(), 10, feed.Filter{}, 1, 20*time.Second)
		polled <- err
	}()
	for r.hub.Open() < 4 {
		<-time.After(time.Millisecond)
	}
	db.LoseEvents(t, 5)
	wantAhead(t, waiting)
	if err := <-polled; !errors.Is(err, feed.ErrAhead) {
		t.Errorf("a long poll: %v", err)
	}
	startTail(t, behind)
	r.append(t, many(8)...)
	wantAhead(t, busy)
	next(t, behind, 8)
	again := follower(t, r.hub, 10)
	next(t, again, 3)
}

// Without a tail a reader finds it for itself.
func TestLogThatGoesBackUnderOneReader(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := open(t, db.URL)
	r.append(t, many(10)...)
	f := follower(t, r.hub, 10)
	db.LoseEvents(t, 5)
	wantAhead(t, f)
}

func wantAhead(t *testing.T, f *feed.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if events, err := f.Next(ctx); !errors.Is(err, feed.ErrAhead) {
		t.Errorf("%d events behind %d, %v", len(events), f.Position(), err)
	}
}
