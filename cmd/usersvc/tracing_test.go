package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// collected is what a collector was sent.
type collected struct {
	t    *testing.T
	mu   sync.Mutex
	name map[string]*spans.Span // by its name; the last of each
}

func (c *collected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("a collector was sent %s: %v", r.URL.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range sent.GetResourceSpans() {
		for _, in := range of.GetScopeSpans() {
			for _, s := range in.GetSpans() {
				c.name[s.GetName()] = s
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collected) await(name string) *spans.Span {
	c.t.Helper()
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) {
		c.mu.Lock()
		s := c.name[name]
		c.mu.Unlock()
		if s != nil {
			return s
		}
		if time.Since(began) > patience {
			c.t.Fatalf("the span %q never came", name)
		}
	}
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// One trace leads from the caller to the rows, which are made after the answer.
func TestRequestIsTracedToItsRows(t *testing.T) {
	t.Parallel()
	c := &collected{t: t, name: map[string]*spans.Span{}}
	at := httptest.NewServer(c)
	defer at.Close()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL, "OTEL_EXPORTER_OTLP_ENDPOINT="+at.URL, "OTEL_BSP_SCHEDULE_DELAY=50")
	id := p.create("ada@example.com")
	p.must(200, "POST", "/v1/users/"+id+"/suspend", `{"reason": "Asked for it"}`, "traceparent: 00-"+callersTrace+"-"+callersSpan+"-01")
	request := c.await("POST /v1/users/{id}/suspend")
	if got := hex.EncodeToString(request.GetTraceId()) + " " + hex.EncodeToString(request.GetParentSpanId()); got != callersTrace+" "+callersSpan {
		t.Errorf("the request is a part of %s", got)
	}
	for _, name := range []string{"decide", "append", "project user_profiles"} {
		s := c.await(name)
		for ; hex.EncodeToString(s.GetTraceId()) != callersTrace; s = c.await(name) { // that of creating the user came first
			<-time.After(20 * time.Millisecond)
		}
		if hex.EncodeToString(s.GetParentSpanId()) != hex.EncodeToString(request.GetSpanId()) {
			t.Errorf("%s is not within the request", name)
		}
	}
	p.awaitOutput(`"trace":"` + callersTrace + `"`)
}

// A request without a collector is a part of the caller's trace all the same, and makes none of its own.
func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	id := p.create("ada@example.com")
	p.must(200, "PUT", "/v1/users/"+id+"/roles/admin", "", "traceparent: 00-"+callersTrace+"-"+callersSpan+"-01")
	events := p.must(200, "GET", "/v1/users/"+id+"/events", "").body["data"].([]any)
	metadata := func(i int) string {
		s, _ := events[i].(map[string]any)["metadata"].(map[string]any)["traceparent"].(string)
		return s
	}
	if metadata(0) != "" || !strings.Contains(metadata(1), callersSpan) {
		t.Errorf("the events belong to the traces %q and %q", metadata(0), metadata(1))
	}
}

func TestOtherProtocolsOfTracesAreRefused(t *testing.T) {
	t.Parallel()
	said, err := program(t.Context(), t.TempDir(), []string{"DATABASE_URL=" + pgtest.DB(t).URL, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1",
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "serve").CombinedOutput()
	if err == nil || !strings.Contains(string(said), "http/protobuf alone") {
		t.Errorf("%v: %s", err, said)
	}
}
