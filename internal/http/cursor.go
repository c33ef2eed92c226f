package httpapi

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/go-json-experiment/json"
)

// cursors seals what a next page needs to know. Clients can neither read a cursor, which may hold an
// address, nor make one up.
//
// Equal pages have equal cursors, so that a list of the past is the same to the byte whenever it is asked for: the
// nonce is made of what is sealed (as in RFC 8452, but with HMAC), and never serves for two different texts.
type cursors struct {
	aead cipher.AEAD
	key  []byte
}

func newCursors(key []byte) (cursors, error) {
	if len(key) != 32 {
		return cursors{}, fmt.Errorf("the cursor key has %d bytes instead of 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return cursors{}, fmt.Errorf("use the cursor key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return cursors{aead, key}, err
}

func (c cursors) nonce(scope string, plain []byte) []byte {
	mac := hmac.New(sha256.New, c.key)
	fmt.Fprintf(mac, "cursor %d %s", len(scope), scope)
	mac.Write(plain)
	return mac.Sum(nil)[:c.aead.NonceSize()]
}

var encoding = base64.RawURLEncoding.Strict()

// seal makes a cursor for one list: scope says which, and the cursor is of no use for another.
func (c cursors) seal(scope string, page any) (string, error) {
	plain, err := plainOf(page)
	nonce := c.nonce(scope, plain)
	return encoding.EncodeToString(c.aead.Seal(nonce, nonce, plain, []byte(scope))), err
}

func plainOf(page any) ([]byte, error) {
	plain, err := json.Marshal(page, json.OmitZeroStructFields(true))
	if err != nil {
		return nil, fmt.Errorf("write cursor: %w", err)
	}
	return plain, nil
}

// open reads a cursor into page, or refuses it.
func (c cursors) open(scope, cursor string, page any) error {
	sealed, err := encoding.DecodeString(cursor)
	size := c.aead.NonceSize()
	if err != nil || encoding.EncodeToString(sealed) != cursor || len(sealed) < size { // the decoder skips line breaks
		return errCursor
	}
	plain, err := c.aead.Open(nil, sealed[:size], sealed[size:], []byte(scope))
	if err != nil || json.Unmarshal(plain, page) != nil { // that of another build may have another shape
		return errCursor
	}
	return nil
}

// resume reads what selects a page: from the cursor, if the request has one, and from its parameters.
// These may repeat what the cursor holds, but not say anything else.
func (c cursors) resume(r *request, scope string, page any, read func() error) error {
	cursor, given := r.query["cursor"]
	if !given {
		return read()
	}
	if err := c.open(scope, cursor, page); err != nil {
		return err
	}
	held, err := plainOf(page)
	if err != nil {
		return err
	}
	if err := read(); err != nil {
		return err
	}
	said, err := plainOf(page)
	if err != nil {
		return err
	}
	if !bytes.Equal(held, said) {
		return errFilters
	}
	return nil
}

var (
	errCursor  = &problem{code: "invalid_cursor", detail: "The cursor was not made by this service for this list."}
	errFilters = &problem{code: "invalid_cursor", detail: "The cursor was made with other filters than those sent along."}
)
