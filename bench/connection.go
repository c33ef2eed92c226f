package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// connection speaks just as much HTTP/1.1 as the contenders do. net/http's client would need as much
// of the CPU as a contender (BenchmarkClients), and what load takes, nobody else has.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	addr string
	body []byte
}

// reply is an answer, until the next one.
type reply struct {
	status   int
	location string
	tag      string
	body     []byte
}

func dial(ctx context.Context, addr string) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, in: bufio.NewReader(conn), addr: addr}, nil
}

func (c *connection) close() { c.conn.Close() }

// do sends a request, with a body unless that is empty, and reads the answer.
func (c *connection) do(method, path, body string) (reply, error) {
	return c.doWith(method, path, "", body)
}

// doWith also sends header lines.
func (c *connection) doWith(method, path, header, body string) (reply, error) {
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, path, c.addr, header)
	if body != "" {
		c.out = fmt.Appendf(c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c.out = append(c.out, "\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return reply{}, err
	}
	return c.read()
}

var errStrangeAnswer = errors.New("an answer that this client does not understand")

func (c *connection) read() (reply, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return reply{}, errStrangeAnswer
	}
	var r reply
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return reply{}, errStrangeAnswer
	}
	length, err := c.readHeader(&r)
	if err != nil {
		return reply{}, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	r.body = c.body[:length]
	_, err = io.ReadFull(c.in, r.body)
	return r, err
}

// readHeader takes header names as net/http spells them.
func (c *connection) readHeader(r *reply) (length int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		if len(line) == 0 {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, errStrangeAnswer
			}
		case "Location":
			r.location = string(value)
		case "Etag":
			r.tag = string(value)
		case "Transfer-Encoding":
			return 0, errStrangeAnswer
		}
	}
}
