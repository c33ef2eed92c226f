package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

type healthCommand struct {
	Addr    string `env:"USERSVC_ADDR" default:"127.0.0.1:8080" help:"The service's public listener."`
	TLSCert string `name:"tls-cert" env:"USERSVC_TLS_CERT" help:"Its certificate: it is asked over TLS."`
}

// Help has examples.
func (healthCommand) Help() string {
	return `For example:

  usersvc health
  usersvc health --addr 127.0.0.1:8081

The exit status is 0 when it is ready.`
}

// Run asks /readyz and fails unless the service is ready. It is the health check of the container image,
// which has no curl.
func (h healthCommand) Run(ctx context.Context, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	scheme := "http"
	if h.TLSCert != "" {
		scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+h.Addr+"/readyz", nil)
	if err != nil {
		return err
	}
	// A certificate seldom names the address that the service listens on, and nothing secret is said.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // see above
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}
