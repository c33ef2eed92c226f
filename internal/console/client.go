package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// visit is a request for a page, which asks the API on behalf of whoever sent it.
type visit struct {
	*http.Request
	api     http.Handler
	movedTo string // the page that is shown, if it is another than was asked for
}

// The caller's own, as the API takes them.
var passedOn = []string{"Authorization", "X-Actor", "X-Forwarded-For", "Traceparent"}

// actor is who acts when nobody has to say who they are, and nobody did.
const actor = "console"

// call is a request to the API.
type call struct {
	method, path string
	query        url.Values
	body         any // nil: none
	header       http.Header
}

// reply is what the API answered.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *reply) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// get reads a resource of the API.
func (v *visit) get(path string, query url.Values, into any) (http.Header, error) {
	return v.send(call{method: http.MethodGet, path: path, query: query}, into)
}

// send makes a request of the API. A refusal is a *problem.
func (v *visit) send(c call, into any) (http.Header, error) {
	r, err := v.newRequest(c)
	if err != nil {
		return nil, err
	}
	answer := &reply{header: http.Header{}}
	v.api.ServeHTTP(answer, r)
	if answer.status >= http.StatusBadRequest {
		p := new(problem)
		if err := json.Unmarshal(answer.body.Bytes(), p); err != nil {
			return nil, fmt.Errorf("the API answered %d, and not why", answer.status)
		}
		return nil, p
	}
	if into == nil {
		return answer.header, nil
	}
	return answer.header, json.Unmarshal(answer.body.Bytes(), into)
}

func (v *visit) newRequest(c call) (*http.Request, error) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return nil, err
		}
	}
	target := c.path
	if len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	r, err := http.NewRequestWithContext(v.Context(), c.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Host, r.RemoteAddr = v.Host, v.RemoteAddr
	for name, values := range c.header {
		r.Header[name] = values
	}
	if body != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, name := range passedOn {
		if value := v.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	if r.Header.Get("X-Actor") == "" {
		r.Header.Set("X-Actor", actor)
	}
	return r, nil
}

// v1 is a path of the API, of segments that may be anything.
func v1(segments ...string) string {
	p := "/v1"
	for _, s := range segments {
		p += "/" + url.PathEscape(s)
	}
	return p
}
