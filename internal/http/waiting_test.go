package httpapi_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// As many lists as may be asked for at once wait for a projection that stands still. Streams of one user need none.
func TestListsThatWaitHoldUpNoStream(t *testing.T) {
	s := boot(t)
	user := uuid.NewString()
	s.want(t, 201, "", "POST", "/v1/users", `{"id":"`+user+`","email":"ada@example.com","displayName":"Ada"}`)
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 300 {
		list := newRequest(t, "GET", "/v1/users?min_position=4000000000000", "", "Prefer: wait=5").WithContext(ctx)
		waiting.Go(func() { s.serve(list) })
	}
	for full := false; !full; {
		full = s.send(t, "GET", "/v1/users?limit=1", "").Status == http.StatusServiceUnavailable
	}
	s.want(t, 200, "", "GET", "/v1/users/"+user+"/history", "")
	s.want(t, 200, "", "GET", "/v1/users/"+user+"/events", "")
	leave()
	waiting.Wait()
}
