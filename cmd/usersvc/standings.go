package main

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// standings reads at each scrape where the log, its subscriptions and rebuilds stand, from the database and not
// from the relay. When the database cannot tell, there is an error and no zero.
type standings struct {
	log      *eventstore.Log
	relay    *outbox.Relay
	rebuilds *rebuild.Rebuilds
}

var (
	headMetric  = prometheus.NewDesc("usersvc_log_head_position", "Position of the newest event of the log.", nil, nil)
	clockMetric = prometheus.NewDesc("usersvc_clock_behind_seconds", "How far the database's clock is behind the newest event; above 0 it was set back.", nil, nil)
)

// standing is a metric of each subscription, or of the last rebuild of each table.
type standing[T any] struct {
	desc *prometheus.Desc
	of   func(T) float64
}

func subscriptionMetric(name, help string, of func(outbox.Status) float64) standing[outbox.Status] {
	return standing[outbox.Status]{prometheus.NewDesc("usersvc_subscription_"+name, help, []string{"subscription"}, nil), of}
}

func rebuildMetric(name, help string, of func(rebuild.Status) float64) standing[rebuild.Status] {
	return standing[rebuild.Status]{prometheus.NewDesc("usersvc_rebuild_"+name, help, []string{"projection"}, nil), of}
}

var ofSubscriptions = []standing[outbox.Status]{
	subscriptionMetric("checkpoint", "Last position that the subscription handled.", func(s outbox.Status) float64 { return float64(s.Position) }),
	subscriptionMetric("lag_events", "Events that the subscription has not handled yet.", func(s outbox.Status) float64 { return float64(s.LagEvents) }),
	subscriptionMetric("lag_seconds", "Age of the oldest event not handled yet.", func(s outbox.Status) float64 { return s.LagSeconds }),
	subscriptionMetric("moved_timestamp_seconds", "When the subscription last handled something.", func(s outbox.Status) float64 { return float64(s.MovedAt.UnixMilli()) / 1000 }),
	subscriptionMetric("failures", "How often in a row the subscription was held up; 0 when all goes well.", func(s outbox.Status) float64 { return float64(s.Failures) }),
	subscriptionMetric("parked_users", "Users who wait behind an event that failed.", func(s outbox.Status) float64 { return float64(s.Parked) }),
	subscriptionMetric("parked_events", "Events that failed, or wait behind one of the same user.", func(s outbox.Status) float64 { return float64(s.Letters) }),
}

var ofRebuilds = []standing[rebuild.Status]{
	rebuildMetric("running", "1 while a rebuild is running.", func(s rebuild.Status) float64 { return oneIf(s.State == rebuild.Running) }),
	rebuildMetric("failed", "1 when the last rebuild failed.", func(s rebuild.Status) float64 { return oneIf(s.State == rebuild.Failed) }),
	rebuildMetric("processed_events", "Events that the last rebuild has folded.", func(s rebuild.Status) float64 { return float64(s.Processed) }),
	rebuildMetric("total_events", "Events that it has to fold.", func(s rebuild.Status) float64 { return float64(s.Total) }),
	rebuildMetric("differences", "Users whose rows it found wrong.", func(s rebuild.Status) float64 {
		if s.Differences == nil {
			return 0
		}
		return float64(*s.Differences)
	}),
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Describe lists the metrics.
func (m *standings) Describe(ch chan<- *prometheus.Desc) {
	ch <- headMetric
	ch <- clockMetric
	for _, s := range ofSubscriptions {
		ch <- s.desc
	}
	for _, s := range ofRebuilds {
		ch <- s.desc
	}
}

// Collect reads them.
func (m *standings) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	subscriptions, err := m.relay.Statuses(ctx)
	rebuilds, rebuildErr := m.rebuilds.Statuses(ctx)
	behind, clockErr := clockBehind(ctx, m.log)
	if err := errors.Join(err, rebuildErr, clockErr); err != nil {
		ch <- prometheus.NewInvalidMetric(headMetric, err)
		return
	}
	ch <- gauge(clockMetric, behind.Seconds())
	for i, s := range subscriptions {
		if i == 0 {
			ch <- gauge(headMetric, float64(s.Head))
		}
		for _, metric := range ofSubscriptions {
			ch <- gauge(metric.desc, metric.of(s), s.Name)
		}
	}
	for _, s := range rebuilds {
		for _, metric := range ofRebuilds {
			ch <- gauge(metric.desc, metric.of(s), s.Name)
		}
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
