package auth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

const maxKeySet = 1 << 20

// FromFile reads keys from a file, each time anew.
func FromFile(name string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return os.ReadFile(name) } //nolint:gosec // as configured
}

// FromURL fetches keys. A redirect is not followed: the address that was configured is the one that is trusted.
func FromURL(url string) func(context.Context) ([]byte, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		answer, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the issuer answers %d", answer.StatusCode)
		}
		return io.ReadAll(io.LimitReader(answer.Body, maxKeySet))
	}
}
