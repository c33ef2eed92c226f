package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/usersvc/usersvc/internal/console"
	"github.com/usersvc/usersvc/internal/domain"
)

type serveCommand struct {
	Addr        string   `env:"USERSVC_ADDR" default:"127.0.0.1:8080" help:"Public listener."`
	AdminAddr   string   `env:"USERSVC_ADMIN_ADDR" default:"127.0.0.1:9090" help:"Listener for metrics and pprof."`
	CORSOrigins []string `name:"cors-origins" env:"USERSVC_CORS_ORIGINS" help:"Origins whose pages may call the service."`
	RateLimit   int      `env:"USERSVC_RATE_LIMIT" help:"Requests a minute and caller, and ten times as many of one address; 0: no limit."`
	Proxies     []string `name:"trusted-proxies" env:"USERSVC_TRUSTED_PROXIES" help:"Addresses or networks of proxies, whose X-Forwarded-For is believed."`
	TLSCert     string   `name:"tls-cert" env:"USERSVC_TLS_CERT" help:"File with the certificate of the public listener, and those that vouch for it; read again when it changes."`
	TLSKey      string   `name:"tls-key" env:"USERSVC_TLS_KEY" help:"File with its key."`

	AllowUnsafe bool `name:"allow-unsafe-database" env:"USERSVC_ALLOW_UNSAFE_DATABASE" help:"Start though the database may lose what was acknowledged: for tests."`

	authConfig

	VerifySample   int           `env:"USERSVC_VERIFY_SAMPLE" help:"Random users a minute whose row is compared with a replay of the log; 0: none."`
	RebuildEvery   time.Duration `env:"USERSVC_REBUILD_EVERY" help:"How often user_profiles is rebuilt, to be sure that it is right; 0: never by itself."`
	RetryDeadEvery time.Duration `env:"USERSVC_RETRY_DEAD_EVERY" default:"1h" help:"How often events that have failed too often are tried once more; 0: only at start."`
}

// Help has examples.
func (serveCommand) Help() string {
	return `For example:

  usersvc serve
  DATABASE_URL=postgres://usersvc@db.example.com/usersvc usersvc serve --addr 0.0.0.0:8080 --auth jwt …

Without DATABASE_URL it keeps a PostgreSQL of its own in the data folder.`
}

// Run serves until ctx ends, or until its database or a listener fails.
func (s *serveCommand) Run(ctx context.Context, c *config, stdout io.Writer) (err error) {
	if err := errors.Join(s.check(), c.checkDerived(), domain.CheckUpcasters()); err != nil {
		return err
	}
	db, err := c.openDatabase(ctx, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.makeCurrent(ctx); err != nil {
		return err
	}
	pool, err := db.pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := db.describe(ctx, pool, stdout); err != nil {
		return err
	}
	s.authConfig.describe(stdout)
	troubles := &troubles{}
	service, err := newService(ctx, c, pool, c.logger(stdout, troubles), troubles)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, s.Addr, s.AdminAddr)
	if err != nil {
		return errors.Join(err, service.close())
	}
	address := "http://" + listeners[0].Addr().String()
	if s.TLSCert != "" {
		address = "https://" + listeners[0].Addr().String()
		listeners[0] = tls.NewListener(listeners[0], service.public.TLSConfig)
	}
	fmt.Fprintf(stdout, "serving:  %s (metrics and pprof: http://%s)\n", address, listeners[1].Addr())
	fmt.Fprintf(stdout, "console:  %s%s (API: %[1]s/docs)\n", address, console.Prefix)
	return service.run(ctx, listeners[0], listeners[1], db.lost())
}

// More would be felt; a rebuild compares everybody.
const maxSample = 6000

func (s *serveCommand) check() error {
	if s.VerifySample < 0 || s.VerifySample > maxSample {
		return fmt.Errorf("USERSVC_VERIFY_SAMPLE must be 0 (none) to %d", maxSample)
	}
	if s.RebuildEvery < 0 {
		return errors.New("USERSVC_REBUILD_EVERY must not be negative; 0 is never")
	}
	if s.RetryDeadEvery < 0 {
		return errors.New("USERSVC_RETRY_DEAD_EVERY must not be negative; 0 is only at start")
	}
	if s.RateLimit < 0 {
		return errors.New("USERSVC_RATE_LIMIT must not be negative; 0 is no limit")
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("USERSVC_TLS_CERT and USERSVC_TLS_KEY go together")
	}
	if _, err := s.proxies(); err != nil {
		return err
	}
	return s.authConfig.check(s.Addr)
}

// proxies are single addresses, or networks.
func (s *serveCommand) proxies() (networks []netip.Prefix, err error) {
	for _, text := range s.Proxies {
		network, err := netip.ParsePrefix(text)
		if address, errAddress := netip.ParseAddr(text); errAddress == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("USERSVC_TRUSTED_PROXIES: %w", err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// listen opens all the addresses, or none.
func listen(ctx context.Context, addrs ...string) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, addr := range addrs {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}
