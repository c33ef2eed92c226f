package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/migrations"
)

// Spellings that look alike, or that some locale or library takes for one another.
var lookAlikes = []string{
	"ada@example.com|ADA@example.com", "ada@example.com|Ada@Example.COM", "i@example.com|I@example.com", "i@example.com|ı@example.com",
	"i@example.com|İ@example.com", "kim@example.com|Kim@example.com", "ada@kelvin.example|ada@\u212Aelvin.example", "a@straße.example|a@strasse.example",
	"a@straße.example|a@STRASSE.example", "a@ı.example|a@i.example", "a@istanbul.example|a@İstanbul.example", "a@bücher.example|a@BÜCHER.example",
	"a@bücher.example|a@bu\u0308cher.example", "a@bücher.example|a@xn--bcher-kva.example", "a@bücher.example|a@XN--BCHER-KVA.example", "a@example.com|a@ｅxample.com",
	"a@example.com|ａ@example.com", "a@example.com|a@example。com", "a@example.com|a@example.com.", "a@example.com|a@exam\u00ADple.com",
	"a@example.com|a@exam\u200Bple.com", "a@example.com|a\u200B@example.com", "a@example.com|a\u202E@example.com", "a@example.com|\uFEFFa@example.com",
	"paypal@example.com|pаypal@example.com", "a@paypal.example|a@pаypal.example", "a@google.example|a@gооgle.example", "o@example.com|ο@example.com",
	"a@оо.example|a@oo.example", "a.b@example.com|ab@example.com", "a+tag@example.com|a@example.com", "a+Tag@example.com|a+tag@example.com",
	"\"a\"@example.com|a@example.com", "a@example.com| a@example.com", "a@example.com|a @example.com", "a@example.com|a@ example.com",
	"rn@example.com|m@example.com", "l@example.com|1@example.com", "O@example.com|0@example.com", "vv@example.com|w@example.com",
	"a@σς.example|a@ΣΣ.example", "a@ﬁ.example|a@fi.example", "a@ǆ.example|a@dž.example", "a@ſ.example|a@s.example",
	"é@example.com|e\u0301@example.com", "a@é.example|a@e\u0301.example", "a@École.example|a@école.example", "a@ŁÓDŹ.example|a@łódź.example",
	"a@example.com|a@EXAMPLE.com", "A.B@EXAMPLE.com|a.b@example.COM", "a'b@example.com|a’b@example.com", "a-b@example.com|a–b@example.com",
	"a_b@example.com|a＿b@example.com", "a@x--y.example|a@x-y.example", "a@例え.example|a@例え.EXAMPLE", "a@日本語.example|a@ＮＩＨＯＮ.example",
	"z@example.com|ｚ@example.com", "a@١.example|a@1.example", "a@example.com|a@example\u2024com", "h@ﬀ.example|h@ff.example",
}

// What the service says of two addresses does not depend on how the database sorts and folds letters.
func TestLookAlikesHaveOneVerdictInEveryLocale(t *testing.T) {
	t.Parallel()
	if len(lookAlikes) < 60 {
		t.Fatalf("only %d pairs", len(lookAlikes))
	}
	server := newManaged(t)
	for name, locale := range server.locales(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.execute(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' "+locale)
			if err := migrations.Up(t.Context(), server.URL("postgres", name)); err != nil {
				t.Fatal(err)
			}
			p := serve(t, t.TempDir(), "DATABASE_URL="+server.URL("usersvc", name))
			for i, pair := range lookAlikes {
				one, other, _ := strings.Cut(pair, "|")
				// Each pair has a domain of its own, so that pairs do not meet.
				apart := func(address string) string { return strings.Replace(address, "@", fmt.Sprintf("@p%d.", i), 1) }
				for n, address := range []string{apart(one), apart(other)} {
					if got, want := p.register(t, address), verdict(apart(one), address, n == 1); got != want {
						t.Errorf("%q and %q: the second has %d, want %d", apart(one), address, got, want)
					}
				}
			}
		})
	}
}

// locales are very different ones, of those that the server knows.
func (m managed) locales(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"c": "LC_COLLATE 'C' LC_CTYPE 'C'", "utf8": "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"}
	if version := m.connect(t, "postgres").PgConn().ParameterStatus("server_version"); version >= "15" {
		all["icu"] = "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
	}
	return all
}

// verdict is what the domain alone would say.
func verdict(first, address string, second bool) int {
	email, err := domain.ParseEmail(address)
	if err != nil {
		return http.StatusUnprocessableEntity
	}
	before, err := domain.ParseEmail(first)
	if second && err == nil && before.Canonical() == email.Canonical() {
		return http.StatusConflict
	}
	return http.StatusCreated
}

func (p *process) register(t *testing.T, address string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": address, "displayName": "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(p.url+"/v1/users", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}
