package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc"
	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/console"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/feed"
	httpapi "github.com/usersvc/usersvc/internal/http"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/safeguard"
	"github.com/usersvc/usersvc/internal/users"
)

// service is everything that runs, wired together.
type service struct {
	logger        zerolog.Logger
	log           *eventstore.Log
	relay         *outbox.Relay
	feed          *feed.Hub
	users         *users.Users
	readiness     *readiness
	system        *system
	public, admin *http.Server
	reviveEvery   time.Duration
	rebuilds      *rebuild.Rebuilds
	rebuildEvery  time.Duration // 0: never by itself
	sampling      *sampling
	samples       int // a minute
	metrics       *metrics
	traces        *traces // nil: there are none

	background     sync.WaitGroup
	stopBackground context.CancelFunc
}

func newService(ctx context.Context, c *config, pool *pgxpool.Pool, logger zerolog.Logger, troubles *troubles) (*service, error) {
	if err := checkSettings(ctx, pool, c.Serve.AllowUnsafe, logger); err != nil {
		return nil, err
	}
	log := eventstore.Open(pool)
	profiles := projections.NewProfiles(pool)
	traces, err := openTraces(ctx, log, logger)
	if err != nil {
		return nil, err
	}
	relay := newRelay(pool, profiles, traces, c.retry(), logger)
	hub := feed.New(log, logger)
	log.Notify(func() { relay.Wake(); hub.Wake() })
	log.Pace(relay.Pace)
	s := &service{
		logger: logger, log: log, relay: relay, feed: hub, reviveEvery: c.Serve.RetryDeadEvery,
		rebuilds: newRebuilds(c, pool, relay, logger), rebuildEvery: c.Serve.RebuildEvery,
		sampling: newSampling(profiles, logger), samples: c.Serve.VerifySample,
		users:     users.New(log, profiles, c.SnapshotEvery, logger),
		readiness: &readiness{pool: pool, log: log, relay: relay}, metrics: newMetrics(),
		system: &system{pool: pool, started: time.Now(), settings: settingsOf(c), troubles: troubles}, traces: traces,
	}
	answered := s.metrics.answered
	if observed {
		log.Observe(s.metrics.appended)
		s.users.Observe(s.metrics.observer())
	} else {
		answered, s.logger = nil, zerolog.Nop()
	}
	handler, err := s.handler(ctx, &c.Serve, answered)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.public, s.admin = httpapi.NewServer(handler), newAdminServer(pool, s)
	if c.Serve.TLSCert != "" {
		if s.public.TLSConfig, err = reloadedTLS(c.Serve.TLSCert, c.Serve.TLSKey); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func newRelay(pool *pgxpool.Pool, profiles *projections.Profiles, traces *traces, retry outbox.Retry, logger zerolog.Logger) *outbox.Relay {
	return outbox.New(pool, outbox.Subscription{
		Name: projections.Subscription, Handle: projections.Live.Apply, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: profiles.Moved, Handled: traces.handled,
	}, retry, logger)
}

func newRebuilds(c *config, pool *pgxpool.Pool, relay *outbox.Relay, logger zerolog.Logger) *rebuild.Rebuilds {
	return rebuild.New(pool, logger, rebuild.Profiles(pool, relay, c.retry(), logger), rebuild.Snapshots(c.SnapshotEvery))
}

func (s *service) handler(ctx context.Context, c *serveCommand, answered func(string, string, int, time.Duration)) (http.Handler, error) {
	key, err := s.log.CursorKey(ctx)
	if err != nil {
		return nil, err
	}
	proxies, err := c.proxies()
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Config{
		Users: s.users, Activity: activity.New(s.log), Feed: s.feed, Relay: s.relay, Rebuilds: s.rebuilds, Ready: s.readiness.check, System: s.system.look,
		Verifier: c.verifier(), LocalOnly: c.Auth == "off", CursorKey: key, OpenAPI: usersvc.OpenAPI,
		Log: s.logger, Tracer: s.traces.tracer(), Answered: answered, CORSOrigins: c.CORSOrigins, RateLimit: c.RateLimit, Proxies: proxies,
	})
	if err != nil {
		return nil, err
	}
	return withConsole(api), nil
}

// withConsole has the pages for people beside the API, which they are made of.
func withConsole(api http.Handler) http.Handler {
	pages := console.New(api)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == console.Prefix || strings.HasPrefix(r.URL.Path, console.Prefix+"/") {
			pages.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// run serves until ctx ends, a listener fails or the database is lost for good.
func (s *service) run(ctx context.Context, public, admin net.Listener, lost <-chan struct{}) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopBackground = stop
	s.background.Go(func() { s.relay.Run(background) })
	s.background.Go(func() { revive(background, s.relay, s.reviveEvery, s.logger) })
	if s.traces != nil {
		s.background.Go(func() { s.traces.follow(background) })
	}
	if s.samples > 0 {
		s.background.Go(func() { s.sampling.run(background, s.samples) })
	}
	s.background.Go(func() { s.rebuilds.Complete(background, projections.Subscription) })
	if s.rebuildEvery > 0 {
		s.background.Go(func() { s.rebuilds.Regularly(background, projections.Subscription, s.rebuildEvery) })
	}
	s.background.Go(func() { forgetKeys(background, s.log, s.logger) })
	failed := make(chan error, 2)
	go func() { failed <- s.public.Serve(public) }()
	go func() { failed <- s.admin.Serve(admin) }()

	var err error
	select {
	case <-ctx.Done():
		s.logger.Info().Msg("stopping: the requests under way are finished first")
	case err = <-failed:
	case <-lost:
		err = errors.New("the private PostgreSQL has ended; its log is beside its data")
	}
	return errors.Join(err, s.close())
}

const (
	// drainTimeout is for the requests under way at the end: longer than any of them may take.
	drainTimeout = 8 * time.Second
	// arrivalTime is for those that have been sent and that nobody has begun to read: a shutdown takes their
	// connections for idle, or has not accepted them, and closes them. They are read in a moment.
	arrivalTime = 200 * time.Millisecond
)

// close takes the service apart, from the outside in: not ready, streams, requests, relay, rebuilds,
// snapshots, log.
func (s *service) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	s.readiness.stop()
	s.feed.Close() // streams would not end by themselves
	var err error
	if s.public != nil {
		if safeguard.Removed(safeguard.Drain) {
			err = s.public.Close()
		}
		<-time.After(arrivalTime)
		err = errors.Join(err, s.public.Shutdown(ctx), s.admin.Shutdown(ctx))
	}
	if s.stopBackground != nil {
		s.stopBackground()
		s.background.Wait()
	}
	s.rebuilds.Close()
	s.users.Close(ctx)
	s.log.Close(ctx)
	err = errors.Join(err, s.traces.close(ctx))
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
