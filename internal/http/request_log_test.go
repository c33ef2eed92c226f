package httpapi_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// At a high rate most requests leave no line, and those that went wrong leave theirs.
func TestManyRequestsLeaveFewLines(t *testing.T) {
	s := boot(t, func(c *httpapi.Config) {
		c.Log = c.Log.Level(zerolog.InfoLevel)
		c.System = func(context.Context) httpapi.System { panic("on purpose") }
	})
	const many, wrong = 5_000, 300
	for range many {
		s.send(t, "GET", "/livez", "")
	}
	for range wrong {
		s.send(t, "GET", "/v1/system", "")
	}
	said := s.logged.String()
	if n := strings.Count(said, `"level":"info"`); n < 200 || n > many/2 {
		t.Errorf("%d requests left %d lines", many, n)
	}
	if n := strings.Count(said, `"level":"error"`); n != wrong {
		t.Errorf("%d requests that went wrong left %d lines", wrong, n)
	}
}
