package reference_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/usersvc/usersvc/internal/reference"
)

func TestWhatIsNotOursIsAsItCame(t *testing.T) {
	t.Parallel()
	for name, want := range reference.Sums {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has the sum %x", name, sum)
		}
	}
}
