package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
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
		AllowedHeaders: []string{"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-Id", "Prefer",
			"Traceparent", "X-Actor", "X-Request-Id", "X-Correlation-Id", "X-Causation-Id"},
		ExposedHeaders: []string{"ETag", "Idempotency-Replayed", "Link", "Location", "Memento-Datetime", "Preference-Applied",
			"RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Event-Position", "X-Projection-Parked",
			"X-Projection-Position", "X-Request-Id"},
		MaxAge: 600,
	})}
}

// Fast and good enough: lists are a few kilobytes of repeating member names.
const compression = 5

// zip compresses answers of some media types with gzip, for clients that take it.
func zip(mediaTypes ...string) []layer {
	return []layer{settleEncoding, middleware.Compress(compression, mediaTypes...)}
}

// settleEncoding leaves of the header Accept-Encoding what it comes to. To the library any mention of gzip is a wish for it.
func settleEncoding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if takesGzip(r.Header) {
			r.Header.Set("Accept-Encoding", "gzip")
		} else {
			r.Header.Del("Accept-Encoding")
		}
		next.ServeHTTP(w, r)
	})
}
