//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy passes connections on to a database. It can cut one in the worst moments: when the server has
// committed an append and the reply is on its way, or while the append is still on its way to the server.
type Proxy struct {
	URL string // leads to the database through the proxy

	network, addr string
	armed, cuts   atomic.Int64
	hold          atomic.Pointer[Held]
	wg            sync.WaitGroup
	mu            sync.Mutex
	open          map[net.Conn]bool
}

// NewProxy starts a proxy to the database that a URL leads to.
func NewProxy(tb testing.TB, databaseURL string) *Proxy {
	tb.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{open: map[net.Conn]bool{}}
	p.network, p.addr = pgconn.NetworkAddress(config.Host, config.Port)
	dir, err := os.MkdirTemp("", "pgproxy") // a short path: sockets' are limited
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		tb.Fatal(err)
	}
	through := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + config.Database}
	through.RawQuery = url.Values{"host": {dir}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
	p.URL = through.String()
	p.wg.Go(func() { p.accept(listener) })
	tb.Cleanup(func() {
		listener.Close()
		p.CutAll()
		p.wg.Wait()
		os.RemoveAll(dir)
	})
	return p
}

// CutAfterCommit has the next n appends cut: the server carries them out, and nobody hears of it.
func (p *Proxy) CutAfterCommit(n int64) { p.armed.Add(n) }

// Held is an append that has left its client and has not reached the server.
type Held struct {
	Cut     chan struct{} // closed when the client's connection has been cut
	deliver chan struct{}
	Done    chan struct{} // closed when the server has carried it out or refused it
}

// Deliver lets the append reach the server after all. It returns when the server has answered, to nobody.
func (h *Held) Deliver() {
	close(h.deliver)
	<-h.Done
}

// HoldNextAppend has the next append cut off and kept back.
func (p *Proxy) HoldNextAppend() *Held {
	h := &Held{Cut: make(chan struct{}), deliver: make(chan struct{}), Done: make(chan struct{})}
	p.hold.Store(h)
	return h
}

// Cuts returns how many appends were cut so far.
func (p *Proxy) Cuts() int64 { return p.cuts.Load() }

// CutAll ends all connections at once.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), p.network, p.addr)
		if err != nil {
			client.Close()
			continue
		}
		p.pass(client, server)
	}
}

func (p *Proxy) pass(client, server net.Conn) {
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	end := sync.OnceFunc(func() {
		client.Close()
		server.Close()
		p.mu.Lock()
		delete(p.open, client)
		delete(p.open, server)
		p.mu.Unlock()
	})
	var state exchange
	p.wg.Go(func() { defer end(); p.requests(client, server, &state) })
	p.wg.Go(func() { defer end(); p.replies(client, server, &state) })
}

// exchange is what a connection is about.
type exchange struct {
	appends atomic.Bool // it has prepared a call of append_event or append_events
	calling atomic.Bool // and is waiting for the reply to one
	held    atomic.Pointer[Held]
}

func (p *Proxy) requests(client io.ReadCloser, server io.Writer, state *exchange) {
	read := startupMessage
	for {
		message, err := read(client)
		if err != nil {
			return
		}
		read = typedMessage
		switch message[0] {
		case 'P':
			state.appends.Store(state.appends.Load() || bytes.Contains(message, []byte("eventlog.append_event")))
		case 'B':
			state.calling.Store(state.appends.Load())
			if h := p.hold.Load(); h != nil && state.appends.Load() && p.hold.CompareAndSwap(h, nil) {
				state.held.Store(h)
				h.keep(message, client, server)
				return
			}
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// keep takes the rest of an append, cuts its client off, and hands it on when it is told to.
func (h *Held) keep(bind []byte, client io.ReadCloser, server io.Writer) {
	held := bind
	for last := byte(0); last != 'S'; { // up to the Sync
		message, err := typedMessage(client)
		if err != nil {
			return
		}
		held, last = append(held, message...), message[0]
	}
	client.Close()
	close(h.Cut)
	<-h.deliver
	if _, err := server.Write(held); err == nil {
		<-h.Done
	}
}

func (p *Proxy) replies(client io.Writer, server io.Reader, state *exchange) {
	defer func() {
		if h := state.held.Load(); h != nil {
			close(h.Done)
		}
	}()
	for {
		message, err := typedMessage(server)
		if err != nil {
			return
		}
		ready := message[0] == 'Z' // for the next query: this one has been committed
		switch {
		case state.held.Load() != nil:
			if ready {
				return
			}
		case state.calling.Load() && p.armed.Load() > 0:
			if ready {
				p.armed.Add(-1)
				p.cuts.Add(1)
				return
			}
		default:
			if ready {
				state.calling.Store(false)
			}
			if _, err := client.Write(message); err != nil {
				return
			}
		}
	}
}

// startupMessage reads a connection's first message, which has no type.
func startupMessage(r io.Reader) ([]byte, error) { return readMessage(r, 0) }

func typedMessage(r io.Reader) ([]byte, error) { return readMessage(r, 1) }

func readMessage(r io.Reader, typ int) ([]byte, error) {
	message := make([]byte, typ+4)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(message[typ:])) - 4
	if length < 0 || length > 64<<20 {
		return nil, errors.New("not the protocol of PostgreSQL")
	}
	message = append(message, make([]byte, length)...)
	_, err := io.ReadFull(r, message[typ+4:])
	return message, err
}
