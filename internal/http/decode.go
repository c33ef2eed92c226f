package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
)

// The largest body that makes sense is a tenth of this.
const maxBody = 64 << 10

// Every member of every body is a string, a whole number or a list of strings, so no deeper nesting is
// ever in order. Repeated members, members in another case, invalid UTF-8 and text behind the object are
// refused by default.
var strict = json.JoinOptions(json.RejectUnknownMembers(true), json.WithUnmarshalers(refuseNull))

// A null would otherwise pass for a member that was not sent, or for an empty string in a list.
var refuseNull = json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ any) error {
	if dec.PeekKind() == 'n' {
		return errNull
	}
	return errors.ErrUnsupported // that is: go on as usual
})

var errNull = errors.New("null where a value belongs")

// In a merge patch, null takes a member away (RFC 7396); of a name that leaves "".
var patch = json.JoinOptions(strict, json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, member **string) error {
	if dec.PeekKind() != 'n' {
		return errors.ErrUnsupported
	}
	*member = new(string)
	return dec.SkipValue()
})))

// decode reads a JSON object into a struct whose members are pointers, and begins the list of what is
// wrong with its values.
func (r *request) decode(body any) (*faults, error) {
	return r.decodeAs("application/json", strict, body)
}

// decodePatch is decode for a JSON merge patch.
func (r *request) decodePatch(body any) (*faults, error) {
	return r.decodeAs("application/merge-patch+json", patch, body)
}

func (r *request) decodeAs(mediaType string, options json.Options, body any) (*faults, error) {
	if err := checkMediaType(r.Header, mediaType); err != nil {
		return nil, err
	}
	if err := r.readBody(); err != nil {
		return nil, err
	}
	if err := unmarshal(r.body, body, options); err != nil {
		return nil, err
	}
	return missing(body), nil
}

// noBody is for requests that say everything in their path.
func (r *request) noBody() error {
	if err := r.readBody(); err != nil {
		return err
	}
	if len(r.body) > 0 {
		return malformed("This request takes no body.")
	}
	return nil
}

// emptyBody also takes an object without members.
func (r *request) emptyBody() error {
	failed := r.readBody()
	if failed == nil && len(r.body) == 0 {
		return nil
	}
	if err := checkMediaType(r.Header, "application/json"); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return unmarshal(r.body, &struct{}{}, strict)
}

func checkMediaType(h http.Header, wanted string) error {
	_, err := mediaTypeOf(h, wanted)
	return err
}

// mediaTypeOf returns which of the wanted media types a body has.
func mediaTypeOf(h http.Header, wanted ...string) (string, error) {
	refusal := &problem{code: "unsupported_media_type", detail: "The body must be sent as " + strings.Join(wanted, " or ") + ", in UTF-8 and not compressed."}
	if len(h["Content-Type"]) != 1 || h.Get("Content-Encoding") != "" {
		return "", refusal
	}
	mediaType, parameters, err := mime.ParseMediaType(h["Content-Type"][0])
	charset, given := parameters["charset"]
	if err != nil || !slices.Contains(wanted, mediaType) || given && !strings.EqualFold(charset, "utf-8") {
		return "", refusal
	}
	return mediaType, nil
}

func (r *request) readBody() error { return r.readUpTo(maxBody, errTooLarge) }

func (r *request) readUpTo(limit int64, beyond *problem) error {
	if r.ContentLength > limit {
		return beyond
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, limit))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return beyond
	}
	if err != nil {
		return malformed("The body ended before it was complete.")
	}
	r.body = body
	exchangeOf(r.Request).arrived = time.Now()
	return nil
}

var errTooLarge = &problem{code: "body_too_large", detail: "The body must have at most 64 KiB."}

func unmarshal(data []byte, into any, options json.Options) error {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) > 0 && start[0] != '{' {
		return malformed("The body must be a JSON object.") // null would do for the decoder
	}
	err := json.Unmarshal(data, into, options)
	var misfit *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, json.ErrUnknownName):
		errors.As(err, &misfit)
		return malformed("The member " + memberOf(misfit.JSONPointer) + " is not one of this request. Letter case counts.")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return malformed("The body has a member twice.")
	case errors.As(err, &misfit):
		member := memberOf(misfit.JSONPointer)
		return malformed("The member " + member + " must be " + kindOf(into, member) + ".")
	}
	return malformed("The body must be one JSON object in UTF-8, and nothing after it.")
}

// memberOf names the outermost member that a pointer leads through.
func memberOf(p jsontext.Pointer) string {
	for token := range p.Tokens() {
		return clipped(token)
	}
	return ""
}

// kindOf says what a member of a body has to be.
func kindOf(body any, member string) string {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(body).Elem()) {
		switch {
		case f.Tag.Get("json") != member:
		case f.Type.Elem().Kind() == reflect.Int:
			return "a whole number"
		case f.Type.Elem().Kind() == reflect.Slice:
			return "a list of strings"
		}
	}
	return "a string"
}

func malformed(detail string) *problem { return &problem{code: "malformed_request", detail: detail} }

var validate = newValidate()

// newValidate makes the validator speak of members as the client knows them.
func newValidate() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("json") })
	return v
}

// missing lists the required members that a body does not have.
func missing(body any) *faults {
	found := new(faults)
	var absent validator.ValidationErrors
	errors.As(validate.Struct(body), &absent)
	for _, member := range absent {
		detail := member.Field() + " is required."
		if member.Tag() != "required" {
			detail = "displayName is required, or firstName and lastName."
		}
		found.add(member.Field(), "required", detail)
	}
	return found
}
