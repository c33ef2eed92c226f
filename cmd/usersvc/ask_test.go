package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// answer is a reply of the service.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// ask sends a request with a JSON body, if it is not empty, and headers as "Name: value".
func (p *process) ask(method, path, body string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	return a, json.NewDecoder(response.Body).Decode(&a.body)
}

func (p *process) must(want int, method, path, body string, headers ...string) answer {
	p.t.Helper()
	a, err := p.ask(method, path, body, headers...)
	if err != nil || a.status != want {
		p.t.Fatalf("%s %s: %d %v (%v), want %d", method, path, a.status, a.body, err, want)
	}
	return a
}

// caughtUp asks for a list with a min_position until its projection has come so far, which on a busy machine may take longer than
// one request waits.
func (p *process) caughtUp(path string) answer {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		a, err := p.ask("GET", path, "", "Prefer: wait=5")
		switch {
		case err == nil && a.status == 200:
			return a
		case err != nil || a.body["code"] != "projection_lagging" || time.Now().After(deadline):
			p.t.Fatalf("GET %s: %d %v (%v)", path, a.status, a.body, err)
		}
	}
}

// settled waits until lists show all that is in the log.
func (p *process) settled() {
	p.t.Helper()
	head := p.must(200, "GET", "/v1/projections/user_profiles", "").body["head"].(float64)
	p.caughtUp(fmt.Sprintf("/v1/users?min_position=%.0f", head))
}

func (p *process) create(email string) (id string) {
	p.t.Helper()
	return p.must(201, "POST", "/v1/users", `{"email": "`+email+`", "displayName": "Somebody"}`).body["id"].(string)
}
