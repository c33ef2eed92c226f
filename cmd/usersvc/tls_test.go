package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// writeCertificate makes a certificate for this machine, and trusts it.
func writeCertificate(t *testing.T, folder string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	keyDER, errKey := x509.MarshalECPrivateKey(key)
	if err := errors.Join(err, errKey); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600),
		os.WriteFile(filepath.Join(folder, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.Chtimes(filepath.Join(folder, "cert.pem"), time.Time{}, time.Unix(serial, 0)))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := writeCertificate(t, folder, 1)
	c := &certificate{certFile: filepath.Join(folder, "cert.pem"), keyFile: filepath.Join(folder, "key.pem")}
	if err := c.read(); err != nil {
		t.Fatal(err)
	}
	config := c.config()
	server := httpapi.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.TLSConfig = config
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(tls.NewListener(listener, config)) }()
	defer server.Close()
	ask := func(trusted *x509.CertPool) (string, error) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		answer, err := client.Get("https://" + listener.Addr().String())
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		protocol, err := io.ReadAll(answer.Body)
		return string(protocol), err
	}
	if got, err := ask(first); err != nil || got != "HTTP/2.0" {
		t.Errorf("the first certificate: %q, %v", got, err)
	}
	second := writeCertificate(t, folder, 2)
	c.age(certificateAge)
	if got, err := ask(second); err != nil || got != "HTTP/2.0" {
		t.Errorf("after it was renewed: %q, %v", got, err)
	}
	if err := os.WriteFile(c.certFile, []byte("half a cert"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.age(certificateAge)
	if _, err := ask(second); err != nil {
		t.Errorf("with a broken file: %v", err)
	}
}

// The health check asks the service as it serves, whatever names its certificate has.
func TestHealthOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer server.Close()
	var said strings.Builder
	health := healthCommand{Addr: server.Listener.Addr().String(), TLSCert: "cert.pem"}
	if err := health.Run(t.Context(), &said); err != nil || said.String() != "/readyz" {
		t.Errorf("%q, %v", said.String(), err)
	}
	health.TLSCert = ""
	if err := health.Run(t.Context(), io.Discard); err == nil {
		t.Error("asked in the clear, it seems well")
	}
}

// age makes it seem long ago that the file was looked at.
func (c *certificate) age(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = c.looked.Add(-d)
}
