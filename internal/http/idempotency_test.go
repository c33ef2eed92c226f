package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestIdempotencyKey(t *testing.T) {
	longest := strings.Repeat("k", 255)
	for header, want := range map[string]string{
		"k": "k", `"k"`: "k", `'k'`: `'k'`, `a\b`: `a\b`, longest: longest, `"` + longest + `"`: longest, "~!": "~!",
	} {
		got, err := idempotencyKey(http.Header{"Idempotency-Key": {header}})
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", header, got, err)
		}
	}
	if got, err := idempotencyKey(http.Header{}); got != "" || err != nil {
		t.Errorf("without the header: %q, %v", got, err)
	}
}

func TestIdempotencyKeyRefuses(t *testing.T) {
	for _, headers := range [][]string{
		{""}, {`""`}, {`"`}, {`"k`}, {`k"`}, {`k"k`}, {`"k"k"`}, {`""k""`}, {`"k\""`}, {"a b"}, {"\t"}, {"é"}, {"\xff"}, {"\x00"}, {"\x7f"},
		{strings.Repeat("k", 256)}, {"k", "k"},
	} {
		if got, err := idempotencyKey(http.Header{"Idempotency-Key": headers}); !isRefusal(err, "invalid_parameter") {
			t.Errorf("%q: %q, %v", headers, got, err)
		}
	}
}

func TestFingerprintTellsRequestsApart(t *testing.T) {
	base := func() *request {
		r := httptest.NewRequest("PUT", "/v1/users/1/email?a=b", nil)
		r.Header["If-Match"] = []string{`"1"`}
		return &request{Request: r, body: []byte("{}")}
	}
	first := base().fingerprint()
	if again := base().fingerprint(); again != first {
		t.Fatal("the same request has two fingerprints")
	}
	for name, change := range map[string]func(*request){
		"method":     func(r *request) { r.Method = "POST" },
		"path":       func(r *request) { r.URL.Path = "/v1/users/2/email" },
		"query":      func(r *request) { r.URL.RawQuery = "a=c" },
		"body":       func(r *request) { r.body = []byte("{ }") },
		"If-Match":   func(r *request) { r.Header["If-Match"] = []string{`"2"`} },
		"borderline": func(r *request) { r.Method, r.URL.Path = "PUT/", "v1/users/1/email" },
	} {
		r := base()
		if change(r); r.fingerprint() == first {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}
