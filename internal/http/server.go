package httpapi

import (
	"context"
	"net"
	"net/http"
	"time"
)

// NewServer returns a server for the handler of New, with limits that no honest client meets and that
// keep the others from holding connections for nothing. It speaks HTTP/1.1 and HTTP/2, with TLS or without.
func NewServer(handler http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         &protocols,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a list may wait for five before it begins
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10, // a cursor over 200 ids has a third of this
		ConnContext:       limitUnread,
	}
}

// So many bytes may be on their way to a client, of which the kernel keeps a copy, instead of some megabytes: enough for
// three megabytes a second to the other end of the world.
const unread = 256 << 10

func limitUnread(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secure.NetConn()
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(unread) // a limit of memory alone
	}
	return ctx
}
