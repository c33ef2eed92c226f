package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Eight writers and three consumers at two replicas. The consumers remember one position and go to the one
// or the other; the stream breaks off again and again. Each gets every event once, in order.
func TestFeedOfTwoReplicas(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	replicas := []*process{serve(t, t.TempDir(), "DATABASE_URL="+db.URL), serve(t, t.TempDir(), "DATABASE_URL="+db.URL)}
	const writers, each = 8, 50
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"email": "u%d-%d@example.com", "displayName": "U"}`, w, i)
				if a, err := replicas[rand.IntN(2)].ask("POST", "/v1/users", body); err != nil || a.status != http.StatusCreated {
					t.Errorf("%v, %v", a, err)
				}
			}
		})
	}
	for name, consume := range map[string]func(*process, int) ([]int, int){
		"pages":     func(p *process, after int) ([]int, int) { return p.feedPage(after, "") },
		"long poll": func(p *process, after int) ([]int, int) { return p.feedPage(after, "&wait=1") },
		"stream":    func(p *process, after int) ([]int, int) { return p.feedStream(after, 1+rand.IntN(30)) },
	} {
		all.Go(func() {
			var seen []int
			for at := 0; at < writers*each && !t.Failed(); {
				more, next := consume(replicas[rand.IntN(2)], at)
				seen, at = append(seen, more...), next
			}
			for i, position := range seen {
				if position != i+1 {
					t.Errorf("%s: position %d at place %d", name, position, i+1)
					return
				}
			}
			if len(seen) != writers*each {
				t.Errorf("%s: %d events, want %d", name, len(seen), writers*each)
			}
		})
	}
	all.Wait()
}

func (p *process) feedPage(after int, more string) (seen []int, next int) {
	a, err := p.ask("GET", fmt.Sprintf("/v1/events?after=%d&limit=%d%s", after, 1+rand.IntN(30), more), "")
	if err != nil || a.status != http.StatusOK {
		p.t.Errorf("%v, %v", a, err)
		return nil, after
	}
	for _, e := range a.body["data"].([]any) {
		position, _ := strconv.Atoi(e.(map[string]any)["sequence"].(string))
		seen = append(seen, position)
	}
	return seen, int(a.body["next"].(float64))
}

// feedStream reads so many events of a stream, or what comes in a second, and hangs up.
func (p *process) feedStream(after, n int) (seen []int, next int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	next = after
	events, err := p.follow(ctx, after)
	if err != nil {
		p.t.Error(err)
		return nil, after
	}
	defer events.Close()
	for lines := bufio.NewScanner(events); len(seen) < n && lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			next, _ = strconv.Atoi(id)
			seen = append(seen, next)
		}
	}
	return seen, next
}

// follow opens a stream as a client that was cut off does.
func (p *process) follow(ctx context.Context, last int) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/v1/events", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Last-Event-ID", strconv.Itoa(last))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(errors.New(response.Status), response.Body.Close())
	}
	return response.Body, nil
}

// A commit wakes the feed of its own process: events are there well before polling would find them, which
// takes a tenth of a second in the middle. Where the machine is busy, one round of five has to show it.
func TestCommitWakesTheFeed(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, err := p.follow(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	lines := bufio.NewScanner(events)
	var medians []time.Duration
	for round := range 5 {
		median := p.medianWait(t, lines, round)
		if median < 40*time.Millisecond {
			return
		}
		medians = append(medians, median)
	}
	t.Errorf("events come after %v (%v)", medians, lines.Err())
}

// medianWait is how long a stream takes to show what was done.
func (p *process) medianWait(t *testing.T, lines *bufio.Scanner, round int) time.Duration {
	t.Helper()
	const events = 21
	var waits []time.Duration
	for i := range events {
		n := round*events + i + 1
		p.create(fmt.Sprintf("u%d@example.com", n))
		created := time.Now()
		for line, wanted := "", fmt.Sprintf("id: %d", n); line != wanted && lines.Scan(); {
			line = lines.Text()
		}
		waits = append(waits, time.Since(created))
	}
	slices.Sort(waits)
	return waits[events/2]
}

// On SIGTERM streams end as they should, at once, and are resumed after the start.
func TestStopEndsStreamsOfTheFeed(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	p.create("ada@example.com")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, err := p.follow(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	lines := bufio.NewReader(events)
	for line := ""; !strings.HasPrefix(line, "data: "); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "\n" {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the stream ended after %v", took)
	}
	<-p.done
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the process ended after %v", took)
	}
	again := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	again.create("grace@example.com")
	if seen, _ := again.feedStream(1, 1); len(seen) != 1 || seen[0] != 2 {
		t.Errorf("afterwards it goes on with %v", seen)
	}
}
