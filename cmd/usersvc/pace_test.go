package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Somebody keeps the projection from being written for a while, and commands go on coming: some of them wait for it.
func TestCommandsWaitForTheProjectionToKeepUp(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	pool := pgtest.Pool(t, db.AdminURL)
	rested := func() string { return p.metric(t, "usersvc_append_rest_seconds_total") }
	if at := rested(); at != "0" {
		t.Fatalf("before there were any, commands had waited for %q", at)
	}
	var senders sync.WaitGroup
	defer senders.Wait()
	done := make(chan struct{})
	defer close(done)
	for sender := range 8 {
		senders.Go(func() { keepCreating(t, p.url, sender, done) })
	}
	for tries := 0; rested() == "0"; tries++ {
		if tries == 20 {
			t.Fatal("no command has waited")
		}
		if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `LOCK TABLE derived.user_profiles IN SHARE MODE`)
			<-time.After(500 * time.Millisecond)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// keepCreating creates one user after the other until it is done.
func keepCreating(t *testing.T, url string, sender int, done <-chan struct{}) {
	t.Helper()
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		body := fmt.Sprintf(`{"email": "ada.%d.%d@example.com", "displayName": "Ada"}`, sender, n)
		response, err := http.Post(url+"/v1/users", "application/json", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body) // for the connection to be used again
		response.Body.Close()
	}
}
