package main

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newAdminServer serves metrics and profiles, for operators only.
func newAdminServer(pool *pgxpool.Pool, s *service) *http.Server {
	registry := s.metrics.registry
	registry.MustRegister(&standings{s.log, s.relay, s.rebuilds}, s.sampling.sampled, s.sampling.drifted,
		poolGauge("usersvc_pool_connections", "Connections to PostgreSQL that are open.", pool, (*pgxpool.Stat).TotalConns),
		poolGauge("usersvc_pool_connections_in_use", "Connections to PostgreSQL that are in use.", pool, (*pgxpool.Stat).AcquiredConns),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "usersvc_feed_streams", Help: "Clients that wait for events, as a stream or by long poll."},
			func() float64 { return float64(s.feed.Open()) }))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
}

func poolGauge(name, help string, pool *pgxpool.Pool, value func(*pgxpool.Stat) int32) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(pool.Stat())) })
}
