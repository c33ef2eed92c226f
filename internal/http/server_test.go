package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// listen serves a stack on a socket.
func listen(t *testing.T, s *stack) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httpapi.NewServer(s.handler)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// raw sends bytes as they are and returns the answer's status and body.
func raw(t *testing.T, address, request string) (int, string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestBytesOnTheWire(t *testing.T) {
	s := boot(t)
	address := listen(t, s)
	head := func(line string, headers ...string) string {
		return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + strings.Join(headers, "") + "\r\n"
	}
	const post, asJSON, chunked = "POST /v1/users", "Content-Type: application/json\r\n", "Transfer-Encoding: chunked\r\n"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for name, row := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"chunked":               {head(post, asJSON, chunked) + chunk(`{"email":"ada@exam`) + chunk(`ple.com","displayName":"Ada"}`) + "0\r\n\r\n", 201, ""},
		"chunked and too large": {head(post, asJSON, chunked) + strings.Repeat(chunk(strings.Repeat(" ", 1000)), 66) + "0\r\n\r\n", 413, "body_too_large"},
		"chunked and broken":    {head(post, asJSON, chunked) + "zz\r\n", 400, "malformed_request"},
		"announced too large":   {head(post, asJSON, "Content-Length: 1000000000\r\n"), 413, "body_too_large"},
		"chunked and empty":     {head("POST /v1/users/0193a0b0-0000-7000-8000-000000000001/reactivate", chunked) + "0\r\n\r\n", 404, "user_not_found"},
		"obs-text in a header":  {head("GET /v1/users", "X-Actor: \xff\r\n"), 400, "invalid_parameter"},
		"header over 32 KiB":    {head("GET /v1/users", "X-Long: "+strings.Repeat("a", 40<<10)+"\r\n"), 431, ""},
		"path of dots":          {head("GET /v1/users/../users"), 404, "route_not_found"},
		"absolute form":         {head("GET http://elsewhere/livez"), 200, ""},
		"asterisk":              {head("OPTIONS *"), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := raw(t, address, row.request)
			if status != row.status || row.code != "" && !strings.Contains(body, `"code":"`+row.code+`"`) {
				t.Errorf("%d %s, want %d %s", status, body, row.status, row.code)
			}
		})
	}
}

func TestHTTP2WithoutTLS(t *testing.T) {
	s := boot(t)
	address := listen(t, s)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.StatusCode != 200 {
		t.Errorf("%s %s", answer.Proto, answer.Status)
	}
}

// HEAD has the headers of GET and no body.
func TestHeadOnTheWire(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	address := listen(t, s)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if answer := string(all); !strings.Contains(answer, "Etag: \"1.0\"\r\n") || !strings.HasSuffix(answer, "\r\n\r\n") {
		t.Errorf("%q", answer)
	}
}
