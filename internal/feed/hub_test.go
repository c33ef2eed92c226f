package feed_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// A reader that was away for longer than events are kept reads the log, and joins the others again.
func TestReaderThatFellBehind(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	slow, fast := follower(t, r.hub, 0), follower(t, r.hub, 0)
	startTail(t, fast)
	r.append(t, many(1)...)
	next(t, slow, 1)
	next(t, fast, 1)
	r.append(t, many(3000)...)
	next(t, fast, 3000)
	before := r.scan.Load()
	next(t, slow, 3000)
	if n := r.scan.Load() - before; n < 20 { // 3,000 less the 500 that may be at hand, by 100
		t.Errorf("%d scans for 3,000 events: more are kept than should be", n)
	}
	before = r.scan.Load()
	r.append(t, many(1)...)
	next(t, slow, 1)
	next(t, fast, 1)
	if n := r.scan.Load() - before; n > 4 { // of the tail, and polls meanwhile
		t.Errorf("%d scans for one event", n)
	}
}

func follower(t *testing.T, h *feed.Hub, after int64) *feed.Reader {
	t.Helper()
	f, err := h.Follow(t.Context(), after, feed.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// startTail has a reader wait in vain: from where it is on, events are read for all.
func startTail(t *testing.T, f *feed.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if events, err := f.Next(ctx); err != nil || len(events) > 0 {
		t.Fatalf("%d events, %v", len(events), err)
	}
}

// next reads n events, no more.
func next(t *testing.T, f *feed.Reader, n int) {
	t.Helper()
	at := f.Position()
	var got []feed.Event
	for len(got) < n {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		events, err := f.Next(ctx)
		cancel()
		if err != nil || len(events) == 0 {
			t.Fatalf("%d events instead of %d (%v)", len(got), n, err)
		}
		got = append(got, events...)
	}
	wantRun(t, at, got)
	if len(got) != n || f.Position() != at+int64(n) {
		t.Fatalf("%d events and position %d, want %d and %d", len(got), f.Position(), n, at+int64(n))
	}
}

// Nobody reads for nobody.
func TestNobodyWaitsNobodyReads(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	f := follower(t, r.hub, 0)
	r.append(t, many(1)...)
	next(t, f, 1)
	lonely, err := r.hub.Follow(t.Context(), 0, feed.Filter{})
	if err != nil || r.hub.Open() != 2 {
		t.Fatalf("%d open, want 2 (%v)", r.hub.Open(), err)
	}
	lonely.Close()
	if r.hub.Open() != 1 {
		t.Errorf("%d open, want 1", r.hub.Open())
	}
}

func TestNoMoreThanSoManyWait(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	for range 4000 {
		follower(t, r.hub, 0)
	}
	if _, err := r.hub.Follow(t.Context(), 0, feed.Filter{}); !errors.Is(err, feed.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	if _, err := r.hub.Page(t.Context(), 0, feed.Filter{}, 1, time.Second); !errors.Is(err, feed.ErrBusy) {
		t.Errorf("one more that polls: %v", err)
	}
	if _, err := r.hub.Page(t.Context(), 0, feed.Filter{}, 1, 0); err != nil {
		t.Errorf("one that does not wait: %v", err)
	}
}

func TestCloseEndsTheWaiting(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	r.append(t, many(1)...)
	var waiting sync.WaitGroup
	for range 20 {
		f := follower(t, r.hub, 1)
		waiting.Go(func() {
			if events, err := f.Next(t.Context()); !errors.Is(err, feed.ErrClosed) {
				t.Errorf("a stream: %d events, %v", len(events), err)
			}
		})
		waiting.Go(func() {
			if p, err := r.hub.Page(t.Context(), 1, feed.Filter{}, 1, 20*time.Second); err != nil || p.Next != 1 || len(p.Events) != 0 {
				t.Errorf("a long poll: %+v, %v", p, err)
			}
		})
	}
	for r.hub.Open() < 40 {
		<-time.After(time.Millisecond)
	}
	began := time.Now()
	r.hub.Close()
	waiting.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := r.hub.Follow(t.Context(), 0, feed.Filter{}); !errors.Is(err, feed.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
	if p, err := r.hub.Page(t.Context(), 0, feed.Filter{}, 10, time.Minute); err != nil || len(p.Events) != 1 {
		t.Errorf("a page afterwards: %+v, %v", p, err)
	}
}

// A stream that is far behind ends at once, too.
func TestCloseEndsCatchingUp(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	r.append(t, many(300)...)
	f := follower(t, r.hub, 0)
	if events, err := f.Next(t.Context()); err != nil || len(events) == 0 {
		t.Fatal(err)
	}
	r.hub.Close()
	if events, err := f.Next(t.Context()); !errors.Is(err, feed.ErrClosed) {
		t.Errorf("%d events more, %v", len(events), err)
	}
}

func TestPositionAheadOfTheLog(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	r.append(t, many(2)...)
	for after, want := range map[int64]error{2: nil, 3: feed.ErrAhead, 1<<63 - 1: feed.ErrAhead} {
		_, err := r.hub.Page(t.Context(), after, feed.Filter{}, 1, 0)
		if !errors.Is(err, want) {
			t.Errorf("page after %d: %v", after, err)
		}
		f, err := r.hub.Follow(t.Context(), after, feed.Filter{})
		if !errors.Is(err, want) {
			t.Errorf("stream after %d: %v", after, err)
		}
		if err == nil {
			f.Close()
		}
	}
	if n := r.hub.Open(); n != 0 {
		t.Errorf("%d are counted that were refused", n)
	}
}

// What the log is asked for and what is sorted out of the newest events is the same.
func TestFilterOfTheLogAndOfTheTailAgree(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	user, purpose := uuid.New(), uuid.New()
	followed := created(uuid.New())
	followed.StreamType, followed.Events[0].Type = "activity", "UserFollowed"
	followed.Events[0].Data = []byte(`{"source":"/f","id":"1","followerId":"` + uuid.NewString() + `","followedUserId":"` + user.String() + `"}`)
	follows := created(uuid.New())
	follows.StreamType, follows.Events[0].Type = "activity", "UserFollowed"
	follows.Events[0].Data = []byte(`{"source":"/f","id":"2","followerId":"` + user.String() + `","followedUserId":"` + uuid.NewString() + `"}`)
	caused := created(uuid.New())
	caused.Metadata.CorrelationID = purpose
	filters := map[string]struct {
		filter feed.Filter
		want   int
	}{
		"all":          {feed.Filter{}, 5},
		"type":         {feed.Filter{Types: []string{"UserFollowed", "Unheard"}}, 2},
		"user":         {feed.Filter{User: user}, 2},
		"user's own":   {feed.Filter{User: user, Types: []string{"UserCreated"}}, 1},
		"own stream":   {feed.Filter{User: followed.StreamID}, 0},
		"purpose":      {feed.Filter{CorrelationID: purpose}, 1},
		"contradicted": {feed.Filter{CorrelationID: purpose, User: user}, 0},
	}
	readers := map[string]*feed.Reader{}
	for name, row := range filters {
		var err error
		if readers[name], err = r.hub.Follow(t.Context(), 0, row.filter); err != nil {
			t.Fatal(err)
		}
		defer readers[name].Close()
	}
	startTail(t, readers["all"])
	r.append(t, created(user), followed, follows, caused, created(uuid.New()))
	for name, row := range filters {
		p, err := r.hub.Page(t.Context(), 0, row.filter, 10, 0)
		if err != nil || len(p.Events) != row.want || p.Next != 5 {
			t.Errorf("%s: %d events of the log and %d, %v", name, len(p.Events), p.Next, err)
		}
	}
	next(t, readers["all"], 5)
	began, before := time.Now(), r.scan.Load()
	for name, row := range filters {
		if got := upTo(t, readers[name], 5); name != "all" && len(got) != row.want {
			t.Errorf("%s: %d events of the tail, want %d", name, len(got), row.want)
		}
	}
	if n := r.scan.Load() - before; n > 3+int64(time.Since(began)/(200*time.Millisecond)) { // the last wake-ups, and polls
		t.Errorf("%d scans: the readers read the log themselves", n)
	}
}

// upTo reads until the reader is at a position.
func upTo(t *testing.T, f *feed.Reader, position int64) (events []feed.Event) {
	t.Helper()
	for f.Position() < position {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		more, err := f.Next(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, more...)
	}
	return events
}

// A filter that nothing passes looks at a part of the log in each request, and the next one goes on there.
func TestRareFilterDoesNotReadTheWholeLog(t *testing.T) {
	t.Parallel()
	r := open(t, pgtest.URL(t))
	r.append(t, many(10_001)...)
	r.append(t, created(uuid.New()))
	rare := feed.Filter{Types: []string{"UserDeleted"}}
	for _, step := range []struct{ after, next int64 }{{0, 10_000}, {10_000, 10_002}} {
		p, err := r.hub.Page(t.Context(), step.after, rare, 10, 0)
		if err != nil || len(p.Events) > 0 || p.Next != step.next {
			t.Errorf("after %d: %d events and %d, %v", step.after, len(p.Events), p.Next, err)
		}
	}
	p, err := r.hub.Page(t.Context(), 0, rare, 10, 20*time.Second) // is not the end: nothing to wait for
	if err != nil || p.Next != 10_000 {
		t.Errorf("with wait: %d, %v", p.Next, err)
	}
}
