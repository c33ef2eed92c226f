package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type testBody struct {
	Email *string `json:"email" validate:"required"`
	Name  *string `json:"name"`
}

// arriving is a request whose path, query and headers are in order.
func arriving(r *http.Request) *request {
	return &request{Request: r.WithContext(context.WithValue(r.Context(), exchangeKey{}, new(exchange))), w: httptest.NewRecorder()}
}

func decodeBody(contentType, body string, decode func(*request, any) (*faults, error)) (testBody, *faults, error) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	var into testBody
	missing, err := decode(arriving(r), &into)
	return into, missing, err
}

func TestDecodeRefusesWhatIsMalformed(t *testing.T) {
	for _, body := range []string{
		"", " ", "null", strings.Repeat(" ", 100) + "null", "[]", `"text"`, "1", "true", "{", "}", "{}{}", "{} {}", "{}null", "{},", "{}x", "\ufeff{}",
		`{"email":"a"`, `{"email":"a",}`, `{email:"a"}`, `{'email':'a'}`, `{"email":"a"}//`, `{"email":nul}`,
		`{"email":"a","email":"a"}`, `{"email":"a","e\u006dail":"b"}`, `{"EMAIL":"a"}`, `{"Email":"a"}`, `{"other":1}`, `{"":1}`, `{"email":"a","\u0000":1}`,
		`{"email":null}`, `{"email":1}`, `{"email":true}`, `{"email":[]}`, `{"email":{}}`, `{"email":["a"]}`,
		`{"email":"\ud800"}`, `{"email":"\udc00\ud800"}`, "{\"email\":\"\xff\"}", "{\"email\":\"\xed\xa0\x80\"}", "{\"email\":\"\xc0\x80\"}", "{\"\xff\":1}", "{\"email\":\"\n\"}", `{"email":"\x"}`,
		`{"email":` + strings.Repeat("[", 10_000), `{"email":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", strings.Repeat(`{"email":`, 5_000),
		`{"email":` + strings.Repeat("9", 60_000) + "}", `{"email":1e` + strings.Repeat("9", 60_000) + "}", `{"` + strings.Repeat("e", 60_000) + `":1}`,
	} {
		_, _, err := decodeBody("application/json", body, (*request).decode)
		if !isRefusal(err, "malformed_request") {
			t.Errorf("%.60q: %v", body, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("%.60q: the answer repeats what was sent", body)
		}
	}
}

func TestDecodeTakesAnObject(t *testing.T) {
	for body, want := range map[string]string{
		`{"email":"a"}`:                 "a",
		" \t\r\n{\"email\" : \"a\" }\n": "a",
		`{"email":"\u0000"}`:            "\x00", // a rule of the domain refuses it
		`{"email":"\ud83d\ude00"}`:      "😀",
		`{"name":"b","email":""}`:       "",
	} {
		got, missing, err := decodeBody("application/json; charset=UTF-8", body, (*request).decode)
		if err != nil || len(*missing) > 0 || got.Email == nil || *got.Email != want {
			t.Errorf("%s: %v, %v, %v", body, got.Email, missing, err)
		}
	}
}

func TestDecodeListsWhatIsMissing(t *testing.T) {
	_, missing, err := decodeBody("application/json", "{}", (*request).decode)
	if err != nil {
		t.Fatal(err)
	}
	want := &faults{{"#/email", "required", "email is required."}}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNullClearsInAPatchAlone(t *testing.T) {
	got, _, err := decodeBody("application/merge-patch+json", `{"name":null}`, (*request).decodePatch)
	if err != nil || got.Name == nil || *got.Name != "" || got.Email != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, body := range []string{`null`, `{"name":1}`, `{"name":null,"name":null}`, `{"name":nul}`, `{"x":null}`} {
		if _, _, err := decodeBody("application/merge-patch+json", body, (*request).decodePatch); !isRefusal(err, "malformed_request") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestMediaType(t *testing.T) {
	for contentType, ok := range map[string]bool{
		"application/json": true, "Application/JSON": true, "application/json;charset=utf-8": true, `application/json; charset="UTF-8"; v=1`: true,
		"": false, "text/plain": false, "application/json; charset=latin1": false, "application/json; charset=": false, "application/merge-patch+json": false,
		"application/json, text/plain": false, "application": false, "*/*": false, "\xff": false, "application/json; charset": false,
	} {
		_, _, err := decodeBody(contentType, `{"email":"a"}`, (*request).decode)
		if ok != (err == nil) || !ok && !isRefusal(err, "unsupported_media_type") {
			t.Errorf("%q: %v", contentType, err)
		}
	}
	if _, _, err := decodeBody("application/json", "{}", (*request).decodePatch); !isRefusal(err, "unsupported_media_type") {
		t.Errorf("a patch as plain JSON: %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	body := func(size int) string { return `{"email":"` + strings.Repeat("a", size-12) + `"}` }
	if _, _, err := decodeBody("application/json", body(maxBody), (*request).decode); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	for name, chunked := range map[string]bool{"announced": false, "chunked": true} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body(maxBody+1)))
		r.Header.Set("Content-Type", "application/json")
		if chunked {
			r.ContentLength = -1
		}
		if _, err := arriving(r).decode(new(testBody)); !isRefusal(err, "body_too_large") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmptyBody(t *testing.T) {
	for _, row := range []struct{ contentType, body, code string }{
		{"", "", ""}, {"text/plain", "", ""}, {"application/json", "{}", ""}, {"application/json", " {} ", ""},
		{"", "{}", "unsupported_media_type"}, {"text/plain", strings.Repeat("x", maxBody+1), "unsupported_media_type"},
		{"application/json", strings.Repeat(" ", maxBody+1), "body_too_large"},
		{"application/json", " ", "malformed_request"}, {"application/json", "null", "malformed_request"}, {"application/json", `{"reason":"a"}`, "malformed_request"},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(row.body))
		r.Header.Set("Content-Type", row.contentType)
		err := arriving(r).emptyBody()
		if row.code == "" && err != nil || row.code != "" && !isRefusal(err, row.code) {
			t.Errorf("%q as %q: %v", row.body[:min(len(row.body), 20)], row.contentType, err)
		}
	}
}

func TestBrokenBodyIsMalformed(t *testing.T) {
	r := httptest.NewRequest("POST", "/", brokenReader{})
	r.Header.Set("Content-Type", "application/json")
	if _, err := arriving(r).decode(new(testBody)); !isRefusal(err, "malformed_request") {
		t.Error(err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
