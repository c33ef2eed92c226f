package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/users"
)

// metrics are what this process has seen. What the database knows is asked of it at each scrape (standings.go).
type metrics struct {
	registry *prometheus.Registry

	requests                                         *prometheus.HistogramVec
	commands, snapshots                              *prometheus.CounterVec
	redecided, eventsAppended, conflicts, rested     prometheus.Counter
	appendTook, batchSize, loadTook, loadEvents, age prometheus.Histogram
}

// Buckets of seconds, of counts, and of how long ago something was.
var (
	seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	counts  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
	ages    = []float64{1, 60, 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600, 365 * 24 * 3600}
)

func newMetrics() *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	auto := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return auto.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return auto.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	return &metrics{
		registry: registry,
		requests: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name: "usersvc_http_request_seconds", Help: "How long requests took, by method, route and status; 0 is a client that went away.", Buckets: seconds,
		}, []string{"method", "route", "status"}),
		commands:       counters("usersvc_commands_total", "Commands on users, by type and outcome.", "command", "outcome"),
		redecided:      counter("usersvc_command_redecisions_total", "Races that a command lost and was decided again after."),
		appendTook:     histogram("usersvc_append_seconds", "How long a batch took to be appended.", seconds),
		batchSize:      histogram("usersvc_append_commands", "Commands that share a batch.", counts),
		rested:         counter("usersvc_append_rest_seconds_total", "How long batches waited for the projection to keep up."),
		eventsAppended: counter("usersvc_events_appended_total", "Events that this process has appended."),
		conflicts:      counter("usersvc_append_conflicts_total", "Commands that had decided on an older version."),
		loadTook:       histogram("usersvc_load_seconds", "How long it took to fold a user from the log.", seconds),
		loadEvents:     histogram("usersvc_load_events", "Events that were folded for it, behind the snapshot if there is one.", counts),
		snapshots:      counters("usersvc_load_snapshots_total", "Loads, by whether they began with a snapshot.", "found"),
		age:            histogram("usersvc_snapshot_age_seconds", "How long before the load the newest event in its snapshot was.", ages),
	}
}

// answered takes a request down. Where there is no route, any method may have been asked for: labels are not a client's to choose.
func (m *metrics) answered(method, route string, status int, took time.Duration) {
	if route == "" {
		method = "any"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) appended(b eventstore.Batch) {
	m.rested.Add(b.Rested.Seconds())
	m.appendTook.Observe(b.Took.Seconds())
	m.batchSize.Observe(float64(b.Commands))
	m.eventsAppended.Add(float64(b.Events))
	m.conflicts.Add(float64(b.Conflicts))
}

func (m *metrics) observer() users.Observer {
	return users.Observer{
		Executed:  func(command, outcome string) { m.commands.WithLabelValues(command, outcome).Inc() },
		Redecided: m.redecided.Inc,
		Loaded:    m.loaded,
	}
}

func (m *metrics) loaded(r users.Replay) {
	m.loadTook.Observe(r.Took.Seconds())
	m.loadEvents.Observe(float64(r.Events))
	if r.Snapshot.IsZero() {
		m.snapshots.WithLabelValues("no").Inc()
		return
	}
	m.snapshots.WithLabelValues("yes").Inc()
	m.age.Observe(time.Since(r.Snapshot).Seconds())
}
