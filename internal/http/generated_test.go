package httpapi_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// Requests made from openapi.yaml, right, nearly right and hostile, over connections that are kept: whatever comes,
// no answer is a 5xx, no connection is lost, and every answer is one that openapi.yaml describes.
func TestGeneratedRequests(t *testing.T) {
	// So many at once that appends share their commits, and not so many that the slowest read, of what has changed, would be
	// sent away after its 1.8 s on a machine that does something else as well.
	const requests, writers = 50_000, 8
	s := boot(t)
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = strings.TrimPrefix(s.create(t, fmt.Sprintf("user%d@example.com", i)), "/v1/users/")
	}
	s.caughtUp(t, "/v1/users?min_position=60") // what is asked of the past is there
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpapi.NewServer(s.handler)
	server.Start()
	t.Cleanup(server.Close)
	operations := everyOperation(contract(t))
	var served [6]atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			g := &generator{rand.New(rand.NewPCG(1, uint64(w))), operations, ids}
			line := &wire{addr: server.Listener.Addr().String()}
			defer line.close()
			for range requests / writers {
				try(t, line, g.request(), &served)
			}
		})
	}
	all.Wait()
	t.Logf("2xx %d, 3xx %d, 4xx %d", served[2].Load(), served[3].Load(), served[4].Load())
	for class, least := range map[int]int64{2: requests / 5, 3: requests / 2000, 4: requests / 5} {
		if served[class].Load() < least {
			t.Errorf("only %d answers are %dxx: the generator has lost its way", served[class].Load(), class)
		}
	}
}

func try(t *testing.T, line *wire, r sent, served *[6]atomic.Int64) {
	got, err := line.exchange(r)
	if err != nil {
		t.Errorf("%v: the connection was lost: %v", r, err)
		return
	}
	served[got.Status/100].Add(1)
	if got.Status >= 500 {
		t.Errorf("%v: %d %s", r, got.Status, got.Body)
	}
	path, _, _ := strings.Cut(r.target, "?")
	verify(t, r.method, path, got)
}

// sent is a request as it goes over the wire.
type sent struct {
	method, target string
	headers        []string
	body           string
}

func (r sent) String() string {
	return fmt.Sprintf("%s %q %q %.300q", r.method, r.target, r.headers, r.body)
}

// wire is a connection on which bytes go as they are: Go's own client would refuse some of them, and mend others.
type wire struct {
	addr string
	conn net.Conn
	from *bufio.Reader
}

func (w *wire) exchange(r sent) (answer, error) {
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.addr)
		if err != nil {
			return answer{}, err
		}
		w.conn, w.from = conn, bufio.NewReader(conn)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n", r.method, r.target)
	for _, header := range r.headers {
		head += header + "\r\n"
	}
	if r.body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(r.body))
	}
	if _, err := io.WriteString(w.conn, head+"\r\n"+r.body); err != nil {
		return answer{}, err
	}
	return w.read(r.method)
}

func (w *wire) read(method string) (answer, error) {
	got, err := http.ReadResponse(w.from, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	content := io.Reader(got.Body)
	if got.Header.Get("Content-Encoding") == "gzip" && method != http.MethodHead {
		if content, err = gzip.NewReader(got.Body); err != nil {
			return answer{}, err
		}
	}
	body, err := io.ReadAll(content)
	if got.Close {
		w.close()
	}
	return answer{got.StatusCode, got.Header, body}, err
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
	}
	w.conn = nil
}
