package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests counts what was answered, and how long it took.
type requests struct{ took *prometheus.HistogramVec }

func newRequests() *requests {
	return &requests{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "usersvc_http_request_seconds", Help: "How long requests took, by method, route and status; 0 is a client that went away.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})}
}

// answered takes a request down. Where there is no route, any method may have been asked for: labels are not a client's to choose.
func (r *requests) answered(method, route string, status int, took time.Duration) {
	if route == "" {
		method = "any"
	}
	r.took.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}
