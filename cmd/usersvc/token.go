package main

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// tokenCommand is for trying the service out: who runs it is the issuer.
type tokenCommand struct {
	Subject  string        `name:"sub" required:"" help:"Whom the token speaks for: the actor of its commands."`
	Scopes   []string      `name:"scope" help:"What the token allows, such as users:read,users:write."`
	Client   string        `name:"client" help:"The program that the token is for."`
	For      time.Duration `name:"for" default:"1h" help:"How long the token is good."`
	Issuer   string        `name:"issuer" env:"USERSVC_JWT_ISSUER" help:"Who says so. Default: usersvc-dev."`
	Audience string        `name:"audience" env:"USERSVC_JWT_AUDIENCE" help:"Whom it is meant for. Default: usersvc."`
}

// Help has examples.
func (tokenCommand) Help() string {
	return `For example:

  usersvc token --sub ada --scope users:read,users:write
  curl -H "Authorization: Bearer $(usersvc token --sub ada --scope ops)" http://127.0.0.1:8080/v1/projections

See docs/authentication.md for how a service is made to believe it.`
}

// Run prints a token, signed with a key of the data folder, which it makes if there is none.
func (t *tokenCommand) Run(c *config, stdout io.Writer) error {
	folder := filepath.Join(c.DataDir, "auth")
	key, err := developmentKey(folder)
	if err != nil {
		return err
	}
	token, err := t.sign(key, time.Now())
	if err != nil {
		return err
	}
	return c.answer(stdout, map[string]string{"token": token}, "%s", token)
}

func (t *tokenCommand) sign(key jose.JSONWebKey, now time.Time) (string, error) {
	options := (&jose.SignerOptions{}).WithType("at+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, options)
	if err != nil {
		return "", err
	}
	standard := jwt.Claims{
		Issuer: cmp.Or(t.Issuer, "usersvc-dev"), Subject: t.Subject, Audience: jwt.Audience{cmp.Or(t.Audience, "usersvc")}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(t.For)),
	}
	own := struct {
		Scope  string `json:"scope"`
		Client string `json:"client_id,omitempty"`
	}{strings.Join(t.Scopes, " "), t.Client}
	return jwt.Signed(signer).Claims(standard).Claims(own).Serialize()
}

const (
	privateKeyFile = "key.json"
	publicKeysFile = "jwks.json"
)

// developmentKey is kept in two files: the key, for nobody else to read, and the set for USERSVC_JWKS_FILE.
func developmentKey(folder string) (key jose.JSONWebKey, err error) {
	kept, err := os.ReadFile(filepath.Join(folder, privateKeyFile)) //nolint:gosec // in the folder of whoever runs this
	switch {
	case err == nil:
		return key, key.UnmarshalJSON(kept)
	case !errors.Is(err, fs.ErrNotExist):
		return key, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key, err
	}
	key = jose.JSONWebKey{Key: private, KeyID: uuid.NewString(), Algorithm: string(jose.EdDSA), Use: "sig"}
	secret, err := key.MarshalJSON()
	if err != nil {
		return key, err
	}
	public, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, "", "  ")
	if err != nil {
		return key, err
	}
	return key, errors.Join(
		os.MkdirAll(folder, 0o755), //nolint:gosec // the set of public keys is for everybody
		os.WriteFile(filepath.Join(folder, privateKeyFile), secret, 0o600),
		os.WriteFile(filepath.Join(folder, publicKeysFile), append(public, '\n'), 0o644)) //nolint:gosec // as above
}
