package httpapi

import (
	"net/http"
	"testing"
)

func TestPreferred(t *testing.T) {
	const asJSON, asStream = "application/json", eventStream
	for accept, want := range map[string]string{
		"":                                    asJSON,
		"*/*":                                 asJSON,
		"application/json":                    asJSON,
		"application/*":                       asJSON,
		"text/event-stream":                   asStream,
		"text/*":                              asStream,
		"TEXT/Event-Stream":                   asStream,
		"text/event-stream, */*":              asStream,
		"*/*, text/event-stream":              asStream,
		"text/event-stream;charset=utf-8":     asStream,
		"application/json, text/event-stream": asJSON,
		"text/event-stream, application/json": asJSON,
		"application/json;q=0.5, text/event-stream":       asStream,
		"application/json, text/event-stream;q=0.9":       asJSON,
		"text/event-stream;q=0, */*":                      asJSON,
		"application/json;q=0, */*;q=0.1":                 asStream,
		"application/json;q=0, text/*;q=0.1":              asStream,
		"application/json;q=x":                            "",
		"application/json;q=0":                            "",
		"text/html":                                       "",
		"text/html, application/xhtml+xml":                "",
		"application/cloudevents+json":                    "",
		"nonsense":                                        "",
		"nonsense, application/json":                      asJSON,
		"text/html,application/xhtml+xml,*/*;q=0.8":       asJSON,
		"text/event-stream;q=0.5, */*;q=0.5, text/a;q=.1": asStream,
	} {
		r := request{Request: &http.Request{Header: http.Header{}}}
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if got := r.preferred(asJSON, asStream); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"gzip": true, "GZIP": true, "gzip, deflate, br": true, "br;q=1.0, gzip;q=0.001": true, "*": true, "*;q=0.5, br": true, "*;q=0, gzip": true,
		"": false, "gzip;q=0": false, "gzip; q=0.000": false, "identity, gzip;q=0": false, "br, notgzip": false, "gzip2": false, "deflate": false,
		"*;q=0": false, "gzip;q=0, *": false, "*, gzip;q=0": false, "gzip;q=x": false, "identity": false,
	} {
		if got := takesGzip(http.Header{"Accept-Encoding": {accept}}); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
	if takesGzip(http.Header{}) || !takesGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) {
		t.Error("a header that is missing is no wish, and one on two lines is one")
	}
}
