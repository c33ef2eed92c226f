package httpapi_test

import (
	"io"
	"sync"
	"testing"
	"time"
)

// Whoever is slow to send takes no place that others could have: these are more than are worked on at once.
func TestSlowSendersTakeNoPlace(t *testing.T) {
	const slowSenders = 600
	s := boot(t)
	never := body{make(chan struct{}), make(chan struct{})}
	var slow sync.WaitGroup
	defer slow.Wait()
	defer close(never.over)
	for range slowSenders {
		slow.Go(func() {
			r := newRequest(t, "POST", "/v1/users", "", "Content-Type: application/json")
			r.Body, r.ContentLength = io.NopCloser(never), 60_000
			s.serve(r)
		})
	}
	for i := range slowSenders {
		select {
		case <-never.awaited:
		case <-time.After(10 * time.Second):
			t.Fatalf("the body of the %dth is not read", i+1)
		}
	}
	s.create(t, "ada@example.com")
}

// body does not come before it is over.
type body struct{ awaited, over chan struct{} }

func (b body) Read([]byte) (int, error) {
	b.awaited <- struct{}{}
	<-b.over
	return 0, io.ErrUnexpectedEOF
}
