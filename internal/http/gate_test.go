package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// behind serves what is behind a gate.
func (a *api) behind(g gate, work http.HandlerFunc) http.Handler {
	return a.observe(a.serve(func(w http.ResponseWriter, r *http.Request) error {
		if err := g.enter(r); err != nil {
			return err
		}
		work(w, r)
		return nil
	}))
}

// A class that is full keeps its next request waiting a little, sends it away, and is open again when one has left.
func TestFullClassSendsAway(t *testing.T) {
	t.Parallel()
	a := &api{log: zerolog.Nop(), refused: zerolog.Nop(), answered: func(string, string, int, time.Duration) {}}
	entered, leave := make(chan struct{}), make(chan struct{})
	work := func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave }
	full, other := a.behind(newGate(1), work), a.behind(newGate(1), work)
	ask := func(h http.Handler) <-chan *httptest.ResponseRecorder {
		answer := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/users", nil))
			answer <- w
		}()
		return answer
	}
	first := ask(full)
	<-entered
	began := time.Now()
	second := <-ask(full)
	if took := time.Since(began); second.Code != http.StatusServiceUnavailable || second.Header().Get("Retry-After") == "" || took < gatePatience {
		t.Errorf("the second was answered %d %v after %v", second.Code, second.Header(), took)
	}
	elsewhere := ask(other)
	<-entered // one class does not keep the other waiting
	third := ask(full)
	leave <- struct{}{}
	leave <- struct{}{}
	<-entered
	leave <- struct{}{}
	for name, answer := range map[string]<-chan *httptest.ResponseRecorder{"first": first, "elsewhere": elsewhere, "third": third} {
		if got := <-answer; got.Code != http.StatusOK {
			t.Errorf("%s was answered %d", name, got.Code)
		}
	}
}

// Waiting in front takes nothing from the promise of an answer within two seconds.
func TestWaitInFrontIsPartOfTheTime(t *testing.T) {
	t.Parallel()
	a := &api{log: zerolog.Nop(), refused: zerolog.Nop(), answered: func(string, string, int, time.Duration) {}}
	entered, leave := make(chan struct{}), make(chan struct{})
	h := a.behind(newGate(1), func(_ http.ResponseWriter, r *http.Request) {
		inside := time.Now()
		ctx, cancel := within(r, readTimeout)
		defer cancel()
		if until, _ := ctx.Deadline(); !until.Before(inside.Add(readTimeout)) {
			t.Errorf("a request that waited has %v", until.Sub(inside))
		}
		entered <- struct{}{}
		<-leave
	})
	for range 2 {
		go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/users", nil))
	}
	for range 2 {
		<-entered
		leave <- struct{}{}
	}
}

// Whoever is slow to read an answer is in nobody's way.
func TestAnswerThatBeganLeavesTheGate(t *testing.T) {
	t.Parallel()
	a := &api{log: zerolog.Nop(), refused: zerolog.Nop(), answered: func(string, string, int, time.Duration) {}}
	begun, read := make(chan struct{}), make(chan struct{})
	h := a.behind(newGate(1), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("answer"))
		begun <- struct{}{}
		<-read
	})
	for range 2 {
		w := httptest.NewRecorder()
		go h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/users", nil))
		select {
		case <-begun:
		case <-time.After(10 * time.Second):
			t.Fatal("the second waits for the first")
		}
	}
	close(read)
}
