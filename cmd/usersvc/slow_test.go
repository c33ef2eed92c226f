package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// So many of each kind at once.
const slowClients = 500

// Attackers who send a header or a body a byte a second, or who read nothing, are sent away on time and disturb nobody.
func TestSlowClientsDisturbNobody(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	addr := strings.TrimPrefix(p.url, "http://")
	attack := map[string]func(net.Conn) error{
		"slow headers": func(c net.Conn) error { return drip(c, "GET /v1/users HTTP/1.1\r\nHost: x\r\nX-A: ") },
		"slow bodies": func(c net.Conn) error {
			return drip(c, "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
		},
		"slow readers": func(c net.Conn) error {
			_, err := io.WriteString(c, strings.Repeat("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", 50))
			return err
		},
	}
	var attackers sync.WaitGroup
	var mu sync.Mutex
	closed := map[string]int{}
	began := time.Now()
	for name, how := range attack {
		for range slowClients {
			attackers.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				defer c.Close()
				_ = how(c) // ends when the service closes the connection
				if name == "slow readers" {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				closed[name]++
			})
		}
	}
	took := probe(t, p.url, 200)
	attackers.Wait()
	if p99 := took[len(took)*99/100]; p99 > time.Second {
		t.Errorf("a probe took %v meanwhile", p99)
	}
	if all := time.Since(began); closed["slow headers"] != slowClients || closed["slow bodies"] != slowClients || all > 30*time.Second {
		t.Errorf("%v were sent away after %v", closed, all)
	}
	t.Logf("probes: p50 %v, p99 %v; the last attacker was sent away after %v", took[len(took)/2], took[len(took)*99/100], time.Since(began))
}

// drip sends what makes a request look begun, then a byte now and then until nobody listens.
func drip(c net.Conn, begin string) error {
	if _, err := io.WriteString(c, begin); err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() { _, err := bufio.NewReader(c).ReadString('x'); answered <- err }()
	for {
		select {
		case err := <-answered:
			return err
		case <-time.After(time.Second):
			if _, err := io.WriteString(c, "a"); err != nil {
				return err
			}
		}
	}
}

func probe(t *testing.T, url string, times int) (took []time.Duration) {
	t.Helper()
	for range times {
		began := time.Now()
		answer, err := http.Get(url + "/v1/users?limit=1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(fmt.Errorf("%d, %w", answer.StatusCode, err))
		}
		answer.Body.Close()
		took = append(took, time.Since(began))
		<-time.After(20 * time.Millisecond)
	}
	slices.Sort(took)
	return took
}
