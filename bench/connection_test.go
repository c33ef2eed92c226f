package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(tb testing.TB, h http.HandlerFunc) (addr string) {
	tb.Helper()
	server := httptest.NewServer(h)
	tb.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func open(tb testing.TB, addr string) *connection {
	tb.Helper()
	c, err := dial(tb.Context(), addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.close)
	return c
}

func TestConnectionSendsAndReads(t *testing.T) {
	t.Parallel()
	c := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", r.URL.Path+"/1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, r.Method+" "+string(body))
	}))
	for _, body := range []string{`{"a":1}`, "", strings.Repeat("x", 1000)} {
		r, err := c.do("PUT", "/v1/things", body)
		if err != nil {
			t.Fatal(err)
		}
		if r.status != http.StatusCreated || r.location != "/v1/things/1" || string(r.body) != "PUT "+body {
			t.Errorf("sent %q, read %d, %q, %q", body, r.status, r.location, r.body)
		}
	}
}

func TestConnectionRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	c := open(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush() // so the length is not known, and the answer is sent in chunks
	}))
	if _, err := c.do("GET", "/", ""); !errors.Is(err, errStrangeAnswer) {
		t.Errorf("an answer in chunks: %v", err)
	}
}

// What a request costs with this client and with net/http's, the server included.
func BenchmarkClients(b *testing.B) {
	hello := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"hello":"world"}`) }
	b.Run("connection", func(b *testing.B) {
		c := open(b, serve(b, hello))
		for b.Loop() {
			if r, err := c.do("GET", "/", ""); err != nil || r.status != http.StatusOK {
				b.Fatal(r.status, err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		addr := serve(b, hello)
		for b.Loop() {
			r, err := http.Get("http://" + addr)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
	})
}
