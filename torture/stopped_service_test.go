package torture

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The service is told to stop again and again under clients that write and read. Whatever it had begun is
// answered, it ends in time, and nothing is lost.
func TestStoppedService(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	var current atomic.Pointer[service]
	current.Store(serve(t, pg.url("usersvc")))
	l := (&load{t: t, clients: clientsOfAService, pause: pauseOfAClient, target: func(int) *service { return current.Load() }}).start()
	var slowestStart, slowestEnd time.Duration
	for range serviceEnds.now() {
		l.await(int(l.acknowledged.Load()) + 100)
		old := current.Load()
		waiting := askForTheFuture(old)
		asked := time.Now()
		old.signal(syscall.SIGTERM)
		<-old.ended
		slowestEnd = max(slowestEnd, time.Since(asked))
		l.checkAnswered(old.began, asked)
		if status := <-waiting; status != http.StatusServiceUnavailable { // projection_lagging
			t.Errorf("a list that was waited for when the end was asked for was answered %d", status)
		}
		if code := old.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the service ended with code %d", code)
		}
		current.Store(serve(t, pg.url("usersvc")))
		slowestStart = max(slowestStart, time.Since(current.Load().began))
	}
	l.stop()
	within(t, "a start", slowestStart, readyAfter)
	within(t, "a stop", slowestEnd, endsAfter)
	l.checkAll(pg)
	t.Logf("the service was stopped %d times, within %v, and ready again within %v",
		serviceEnds.now(), slowestEnd.Round(time.Millisecond), slowestStart.Round(time.Millisecond))
}

// askForTheFuture asks for a list that takes a second to be answered, and returns when it is on its way.
func askForTheFuture(s *service) <-chan int {
	answered, onItsWay := make(chan int, 1), make(chan struct{})
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(onItsWay) }}
	go func() {
		defer close(answered)
		request, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, s.url+"/v1/users?min_position=999999999", nil)
		response, err := new(http.Transport).RoundTrip(request) // on a connection of its own
		if err != nil {
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-onItsWay
	return answered
}
