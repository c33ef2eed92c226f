package httpapi

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/httprate"
)

const (
	rateWindow        = time.Minute
	rateWindowSeconds = int(rateWindow / time.Second)
	// Callers share an address behind a proxy of their own: an office, a mobile network.
	callersPerAddress = 10
)

// quota holds each key to so many requests in any minute, in this process. The window slides, so a whole one is the time
// after which whoever has used it up certainly may go on.
type quota struct {
	of        string
	perMinute int
	limiter   *httprate.RateLimiter
}

func newQuota(of string, perMinute int) *quota {
	return &quota{of, perMinute, httprate.NewRateLimiter(perMinute, rateWindow, httprate.WithResponseHeaders(httprate.ResponseHeaders{}))}
}

// spend takes a request off a key's quota, and refuses when there is nothing left. The header fields are those of
// draft-ietf-httpapi-ratelimit-headers-11.
func (q *quota) spend(w http.ResponseWriter, r *http.Request, key string) error {
	exceeded := q.limiter.OnLimit(w, r, key)
	_, used, _ := q.limiter.Status(key) // counts in memory: no error
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, q.of, q.perMinute, rateWindowSeconds))
	w.Header().Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, q.of, max(0, q.perMinute-int(math.Round(used))), rateWindowSeconds))
	if exceeded {
		return &problem{code: "rate_limited", detail: fmt.Sprintf("More than %d requests of one %s in a minute.", q.perMinute, q.of)}
	}
	return nil
}

// quotas are there if a limit is configured. Addresses are looked at before anything else; so are callers as long as they are
// believed, and behind their token otherwise.
type quotas struct {
	addresses, callers *quota
	trusted            []netip.Prefix // the proxies whose X-Forwarded-For is believed
}

func newQuotas(perMinute int, trusted []netip.Prefix) *quotas {
	if perMinute == 0 {
		return nil
	}
	return &quotas{newQuota("address", perMinute*callersPerAddress), newQuota("caller", perMinute), trusted}
}

// limits is the layer in front of everything under /v1.
func (a *api) limits() []layer {
	if a.quotas == nil {
		return nil
	}
	return []layer{func(next http.Handler) http.Handler {
		return a.serve(func(w http.ResponseWriter, r *http.Request) error {
			err := a.quotas.addresses.spend(w, r, a.quotas.address(r))
			if err == nil && a.verifier == nil {
				err = a.quotas.callers.spend(w, r, callerOf(r.Header))
			}
			if err == nil {
				next.ServeHTTP(w, r)
			}
			return err
		})
	}}
}

// address is where a request comes from: of those that trusted proxies name, the last that is not one of them.
func (q *quotas) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !q.trusts(host) {
			break
		}
		if hop = strings.TrimSpace(hop); hop != "" {
			host = hop
		}
	}
	return host
}

func (q *quotas) trusts(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(q.trusted, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
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
