package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/usersvc/usersvc/internal/auth"
)

// authConfig says whose tokens are believed.
type authConfig struct {
	Auth        string `env:"USERSVC_AUTH" default:"off" enum:"off,jwt" help:"${enum}: off lets everyone do everything, so only on loopback; jwt takes bearer tokens."`
	JWTIssuer   string `name:"jwt-issuer" env:"USERSVC_JWT_ISSUER" help:"The issuer whose tokens are believed."`
	JWTAudience string `name:"jwt-audience" env:"USERSVC_JWT_AUDIENCE" help:"The audience that tokens have to be meant for."`
	JWKSURL     string `name:"jwks-url" env:"USERSVC_JWKS_URL" placeholder:"https://…" help:"Where the issuer publishes its keys."`
	JWKSFile    string `name:"jwks-file" env:"USERSVC_JWKS_FILE" help:"A file with the issuer's keys, read again when it has changed."`
}

// check says what is missing, before anything is started.
func (a *authConfig) check(addr string) error {
	if a.Auth == "off" {
		return refuseOpenListener(addr)
	}
	if a.JWTIssuer == "" || a.JWTAudience == "" {
		return errors.New("USERSVC_AUTH=jwt needs USERSVC_JWT_ISSUER and USERSVC_JWT_AUDIENCE")
	}
	if (a.JWKSURL == "") == (a.JWKSFile == "") {
		return errors.New("USERSVC_AUTH=jwt needs one of USERSVC_JWKS_URL and USERSVC_JWKS_FILE")
	}
	if u, err := url.Parse(a.JWKSURL); a.JWKSURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u.Host) && !isLoopback(u.Host+":80")) {
		return fmt.Errorf("USERSVC_JWKS_URL must be an https address, or one of this machine: whoever answers there says who is who")
	}
	return nil
}

// describe tells a person who is let in.
func (a *authConfig) describe(w io.Writer) {
	if a.Auth == "off" {
		fmt.Fprintln(w, "access:   everyone on this machine may do everything (USERSVC_AUTH=off)")
		return
	}
	fmt.Fprintf(w, "access:   with a token of %s for %s\n", a.JWTIssuer, a.JWTAudience)
}

// verifier is nil when callers are believed without.
func (a *authConfig) verifier() *auth.Verifier {
	if a.Auth == "off" {
		return nil
	}
	read := auth.FromFile(a.JWKSFile)
	if a.JWKSURL != "" {
		read = auth.FromURL(a.JWKSURL)
	}
	return auth.NewVerifier(a.JWTIssuer, a.JWTAudience, auth.NewKeys(read))
}
