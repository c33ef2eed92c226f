package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/auth"
	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

// Config is what the handlers stand on.
type Config struct {
	Users     *users.Users
	Activity  *activity.Intake
	Feed      *feed.Hub
	Relay     *outbox.Relay
	Rebuilds  *rebuild.Rebuilds
	Ready     func(context.Context) Readiness
	System    func(context.Context) System
	Verifier  *auth.Verifier // nil: callers are who they say, and may do everything
	LocalOnly bool           // answer only when called by a name of this machine
	CursorKey []byte         // 32 bytes, the same in every replica
	OpenAPI   []byte         // the contract, in YAML
	Log       zerolog.Logger
	Tracer    trace.Tracer // nil: nothing is traced
	// Answered is told of each request when it is over; nil: nobody is. The route is its pattern, or empty for none.
	Answered    func(method, route string, status int, took time.Duration)
	CORSOrigins []string       // none: browsers of other origins are not served
	RateLimit   int            // requests a minute and caller; 0: no limit
	Proxies     []netip.Prefix // whose X-Forwarded-For is believed
}

type api struct {
	users    *users.Users
	activity *activity.Intake
	feed     *feed.Hub
	relay    *outbox.Relay
	rebuilds *rebuild.Rebuilds
	ready    func(context.Context) Readiness
	system   func(context.Context) System
	verifier *auth.Verifier
	cursors  cursors
	log      zerolog.Logger
	tracer   trace.Tracer   // or nil
	requests zerolog.Logger // for the line of each request, of which some are left out when there are many
	answered func(method, route string, status int, took time.Duration)
	quotas   *quotas        // nil: no limits
	refused  zerolog.Logger // for 503s: when there is one there are thousands
}

// New returns the handler of the public listener. It fails when the key or the contract is unusable.
func New(c Config) (http.Handler, error) {
	cursors, err := newCursors(c.CursorKey)
	if err != nil {
		return nil, err
	}
	contract, err := newContract(c.OpenAPI)
	if err != nil {
		return nil, err
	}
	if c.Answered == nil {
		c.Answered = func(string, string, int, time.Duration) {}
	}
	a := &api{
		users: c.Users, activity: c.Activity, feed: c.Feed, relay: c.Relay, rebuilds: c.Rebuilds, ready: c.Ready, system: c.System, verifier: c.Verifier,
		cursors: cursors, log: c.Log, tracer: c.Tracer, requests: requestLog(c.Log), answered: c.Answered, quotas: newQuotas(c.RateLimit, c.Proxies),
		refused: c.Log.Sample(&zerolog.BurstSampler{Burst: 20, Period: time.Second}),
	}
	routes := a.routes(c, contract)
	return routes, checkPermissions(routes)
}
