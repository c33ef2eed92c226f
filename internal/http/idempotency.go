package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/usersvc/usersvc/internal/users"
)

const maxKey = 255

// idempotencyKey reads the key that the caller chose; "" when it chose none.
func idempotencyKey(h http.Header) (string, error) {
	value, given, err := single(h, "Idempotency-Key")
	if err != nil || !given {
		return "", err
	}
	key := value
	if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		key = value[1 : len(value)-1] // a string of RFC 9651, which the header's draft asks for
	}
	if !isVisible(key, maxKey) || strings.Contains(key, `"`) {
		return "", invalidParameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters, in quotes or without any.")
	}
	return key, nil
}

// keyed binds the key to the request that it is used for.
func (r *request) keyed(key string, status int) *users.IdempotencyKey {
	if key == "" {
		return nil
	}
	return &users.IdempotencyKey{Caller: r.cause.Actor, Key: key, Fingerprint: r.fingerprint(), Status: status}
}

// fingerprint is the same for a request that is sent again, and for no other. Every part is preceded
// by its length, so that nothing can move from one to the next.
func (r *request) fingerprint() (sum [32]byte) {
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte(r.Method), []byte(r.URL.Path), []byte(r.URL.RawQuery), r.body,
		[]byte(strings.Join(r.Header["If-Match"], ",")),
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
