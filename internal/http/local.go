package httpapi

import (
	"net"
	"net/http"
	"strings"
)

var errElsewhere = &problem{code: "forbidden", detail: "While authentication is off, the service answers to the names of this machine alone, such as localhost."}

// local answers only to names of this machine. Without it a web page could have its own name lead here, and a browser would then
// let it do whatever anybody may (DNS rebinding).
func (a *api) local(next http.Handler) http.Handler {
	refuse := a.serve(func(http.ResponseWriter, *http.Request) error { return errElsewhere })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
