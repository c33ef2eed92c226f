package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/google/uuid"
)

// commander creates a user, then gives one of those that it created before another address, and so
// on: half creates, half changes.
type commander struct {
	connection int
	created    []string // where they are
	requests   int
	few        bool // every fifth change is of one of the first two
}

// No address is used twice, by any commander of any run.
var addresses atomic.Int64

func newCommander(connection int) *commander { return &commander{connection: connection} }

func newAddress() string { return fmt.Sprintf("ada.%d.%d@example.com", os.Getpid(), addresses.Add(1)) }

func (c *commander) request(conn *connection) (int, error) {
	c.requests++
	if c.requests%2 == 0 && len(c.created) > 0 {
		among := len(c.created)
		if c.few && c.requests%10 == 0 {
			among = min(2, among)
		}
		return c.change(conn, c.created[rand.IntN(among)])
	}
	return c.create(conn)
}

func (c *commander) create(conn *connection) (int, error) {
	address := newAddress()
	r, err := conn.do("POST", "/v1/users", `{"email":"`+address+`","displayName":"Ada Lovelace","firstName":"Ada","lastName":"Lovelace"}`)
	if err != nil || r.status != http.StatusCreated {
		return r.status, err
	}
	c.created = append(c.created, r.location)
	return r.status, shows(r, address)
}

func (c *commander) change(conn *connection, user string) (int, error) {
	address := newAddress()
	r, err := conn.do("PUT", user+"/email", `{"email":"`+address+`"}`)
	if err != nil || r.status != http.StatusOK {
		return r.status, err
	}
	return r.status, shows(r, address)
}

// shows says that an answer is about the user that was meant.
func shows(r reply, address string) error {
	if !bytes.Contains(r.body, []byte(`"`+address+`"`)) {
		return fmt.Errorf("the answer %d does not show %s: %s", r.status, address, r.body)
	}
	return nil
}

// knower asks again for users that it has.
type knower struct {
	ids  []uuid.UUID
	tags map[uuid.UUID]string
}

func (k *knower) request(conn *connection) (int, error) {
	id := k.ids[rand.IntN(min(len(k.ids), mostKnown))]
	if tag := k.tags[id]; tag != "" {
		r, err := conn.doWith("GET", "/v1/users/"+id.String(), "If-None-Match: "+tag+"\r\n", "")
		if r.status == http.StatusNotModified {
			return http.StatusOK, err
		}
		return http.StatusInternalServerError, err // nobody changes them
	}
	r, err := conn.do("GET", "/v1/users/"+id.String(), "")
	k.tags[id] = r.tag
	return r.status, err
}

// Few enough that a connection soon knows them all.
const mostKnown = 20

// getter reads one of these users after the other, in no order.
type getter []uuid.UUID

func (g getter) request(conn *connection) (int, error) {
	id := g[rand.IntN(len(g))].String()
	r, err := conn.do("GET", "/v1/users/"+id, "")
	if err != nil || r.status != http.StatusOK {
		return r.status, err
	}
	return r.status, shows(r, id)
}
