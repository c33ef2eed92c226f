package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Whoever renews a certificate waits no longer than this for it to be used.
const certificateAge = 10 * time.Second

// certificate is read again when its file has changed. While it cannot be, as between the writing of its two files, the
// one before goes on.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the file
	looked  time.Time
}

// reloadedTLS speaks TLS 1.2 and newer, and HTTP/2.
func reloadedTLS(certFile, keyFile string) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return c.config(), nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.newest(), nil },
	}
}

func (c *certificate) newest() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateAge {
		_ = c.read() // the one before goes on
	}
	return c.current
}

func (c *certificate) read() error {
	c.looked = time.Now()
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current, c.changed = &pair, info.ModTime()
	return nil
}
