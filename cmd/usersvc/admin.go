package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
)

// newAdminServer serves metrics and profiles, for operators only.
func newAdminServer(pool *pgxpool.Pool, s *service) *http.Server {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&logMetrics{s.log, s.relay}, s.requests.took, s.sampling.sampled, s.sampling.drifted,
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

// logMetrics reads at each scrape where the log and its subscriptions stand, from the database and not
// from the relay. When the database cannot tell, there is an error and no zero.
type logMetrics struct {
	log   *eventstore.Log
	relay *outbox.Relay
}

var (
	headMetric       = prometheus.NewDesc("usersvc_log_head_position", "Position of the newest event of the log.", nil, nil)
	clockMetric      = prometheus.NewDesc("usersvc_clock_behind_seconds", "How far the database's clock is behind the newest event; above 0 it was set back.", nil, nil)
	checkpointMetric = prometheus.NewDesc("usersvc_subscription_checkpoint", "Last position that the subscription handled.", []string{"subscription"}, nil)
	lagEventsMetric  = prometheus.NewDesc("usersvc_subscription_lag_events", "Events that the subscription has not handled yet.", []string{"subscription"}, nil)
	lagSecondsMetric = prometheus.NewDesc("usersvc_subscription_lag_seconds", "Age of the oldest event not handled yet.", []string{"subscription"}, nil)
	parkedMetric     = prometheus.NewDesc("usersvc_subscription_parked_users", "Users who wait behind an event that failed.", []string{"subscription"}, nil)
	lettersMetric    = prometheus.NewDesc("usersvc_subscription_parked_events", "Events that failed, or wait behind one of the same user.", []string{"subscription"}, nil)
	failedMetric     = prometheus.NewDesc("usersvc_subscription_failed", "1 while the subscription is held up.", []string{"subscription"}, nil)
)

// Describe lists the metrics.
func (m *logMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{headMetric, clockMetric, checkpointMetric, lagEventsMetric, lagSecondsMetric, parkedMetric, lettersMetric, failedMetric} {
		ch <- d
	}
}

// Collect reads them.
func (m *logMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	all, err := m.relay.Statuses(ctx)
	behind, clockErr := clockBehind(ctx, m.log)
	if err := errors.Join(err, clockErr); err != nil {
		ch <- prometheus.NewInvalidMetric(headMetric, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(clockMetric, behind.Seconds())
	for i, st := range all {
		if i == 0 {
			gauge(headMetric, float64(st.Head))
		}
		gauge(checkpointMetric, float64(st.Position), st.Name)
		gauge(lagEventsMetric, float64(st.LagEvents), st.Name)
		gauge(lagSecondsMetric, st.LagSeconds, st.Name)
		gauge(parkedMetric, float64(st.Parked), st.Name)
		gauge(lettersMetric, float64(st.Letters), st.Name)
		failed := 0.0
		if st.State == "failed" {
			failed = 1
		}
		gauge(failedMetric, failed, st.Name)
	}
}
