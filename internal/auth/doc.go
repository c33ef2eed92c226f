// Package auth tells who calls, from a bearer access token.
//
// It guarantees, after RFC 8725 (best current practices for JWTs) and RFC 9068 (access tokens):
//   - A token is believed when its signature is good under a key of the configured set, made with that key's own
//     algorithm, of RS256, PS256, ES256 and EdDSA. What a token says about its key, but for the name of it, is not looked at.
//   - The issuer is the configured one, the audience contains the configured one, and the times fit, with a minute of
//     leeway. A token without an end, a subject or an issuing time is refused, as is one that is not an access token, has a
//     header or a claim twice, or marks anything as critical.
//   - A token of more than 8 KiB is refused unread.
//   - Keys are fetched by one request at a time, and not more often than every ten seconds, whatever callers send. Keys
//     that cannot be fetched again stay good: an outage of the issuer is not ours.
//
// It knows no routes: what a caller may do is decided in internal/http.
package auth
