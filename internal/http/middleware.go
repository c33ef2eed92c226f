package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/go-chi/cors"
	"github.com/go-chi/httprate"
)

type layer = func(http.Handler) http.Handler

// cross serves browsers of the configured origins, and refuses those of others by saying nothing.
func cross(origins []string) []layer {
	if len(origins) == 0 {
		return nil // not even the empty list: the library takes it for every origin
	}
	return []layer{cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: methods,
		AllowedHeaders: []string{"Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-Id", "Prefer",
			"Traceparent", "X-Actor", "X-Request-Id", "X-Correlation-Id", "X-Causation-Id"},
		ExposedHeaders: []string{"ETag", "Idempotency-Replayed", "Link", "Location", "Memento-Datetime", "Preference-Applied",
			"RateLimit", "RateLimit-Policy", "Retry-After", "X-Event-Position", "X-Projection-Parked", "X-Projection-Position",
			"X-Request-Id"},
		MaxAge: 600,
	})}
}

const (
	rateWindow        = time.Minute
	rateWindowSeconds = int(rateWindow / time.Second)
)

// limits holds each caller to so many requests in any minute, in this process. The window slides, so a
// whole one is the time after which the caller certainly may go on.
func (a *api) limits(perMinute int) []layer {
	if perMinute == 0 {
		return nil
	}
	limiter := httprate.NewRateLimiter(perMinute, rateWindow, httprate.WithResponseHeaders(httprate.ResponseHeaders{}))
	policy := fmt.Sprintf(`"caller";q=%d;w=%d`, perMinute, rateWindowSeconds)
	refuse := a.serve(func(http.ResponseWriter, *http.Request) error {
		return &problem{code: "rate_limited", detail: fmt.Sprintf("More than %d requests in a minute.", perMinute)}
	})
	return []layer{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := callerOf(r.Header)
			exceeded := limiter.OnLimit(w, r, key)
			_, used, _ := limiter.Status(key) // counts in memory: no error
			w.Header().Set("RateLimit-Policy", policy)
			w.Header().Set("RateLimit", fmt.Sprintf(`"caller";r=%d;t=%d`, max(0, perMinute-int(math.Round(used))), rateWindowSeconds))
			if exceeded {
				refuse(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// callerOf is asked before the header is known to be in order: a caller without a usable name shares
// with those that have none.
func callerOf(h http.Header) string {
	actor, given, err := single(h, "X-Actor")
	if err != nil || !given || !isVisible(actor, maxActor) {
		return anonymous
	}
	return actor
}
