package httpapi

import (
	"net"
	"net/http"
	"strings"
)

var (
	errElsewhere = &problem{code: "forbidden", detail: "While authentication is off, the service answers to the names of this machine alone, such as localhost."}
	errForeign   = &problem{code: "forbidden", detail: "While authentication is off, a page of another origin may not have a browser send commands."}
)

// local answers only to names of this machine, and carries nothing out for pages of other origins but those that are configured.
// Without it a web page could have its own name lead here, and a browser would then let it do whatever anybody may (DNS
// rebinding), or send a command that a browser asks no leave for, though it could not read the answer (request forgery).
func (a *api) local(next http.Handler) http.Handler {
	pages := http.NewCrossOriginProtection()
	return a.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case !isLocal(r.Host):
			return errElsewhere
		case pages.Check(r) != nil && w.Header().Get("Access-Control-Allow-Origin") == "": // as cross says
			return errForeign
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
