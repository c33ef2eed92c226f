package transfer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Unacceptable says which line of a file cannot be imported, and why. This import has stored nothing.
type Unacceptable struct {
	Line int64
	Why  string
}

func (u *Unacceptable) Error() string { return fmt.Sprintf("line %d: %s", u.Line, u.Why) }

// written is a line as it is written. Pointers tell what is missing from what is empty.
type written struct {
	Position      *int64         `json:"position"`
	ID            *string        `json:"id"`
	StreamType    *string        `json:"streamType"`
	StreamID      *string        `json:"streamId"`
	Version       *int32         `json:"version"`
	Type          *string        `json:"type"`
	SchemaVersion *int16         `json:"schemaVersion"`
	Data          jsontext.Value `json:"data"`
	Metadata      jsontext.Value `json:"metadata"`
	RecordedAt    *string        `json:"recordedAt"`
}

// Repeated members, members in another case, invalid UTF-8 and text behind the object are refused by default.
var strict = json.RejectUnknownMembers(true)

// parse reads line n, but does not look into what the event says.
func parse(line []byte, n int64) (e event, err error) {
	var w written
	if err := json.Unmarshal(line, &w, strict); err != nil {
		return e, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if err := w.complete(); err != nil {
		return e, err
	}
	e = event{
		position: n, streamType: *w.StreamType, version: *w.Version, typ: *w.Type, schema: *w.SchemaVersion,
		data: w.Data, metadata: w.Metadata, exported: w.Position != nil && w.ID != nil,
	}
	if w.Position != nil && *w.Position != n {
		return e, fmt.Errorf("position is %d, and here it has to be %d", *w.Position, n)
	}
	if e.streamID, err = parseID("streamId", *w.StreamID); err != nil {
		return e, err
	}
	if e.recordedAt, err = parseTime(*w.RecordedAt); err != nil {
		return e, err
	}
	if w.ID == nil {
		e.id = e.madeID()
	} else if e.id, err = parseID("id", *w.ID); err != nil {
		return e, err
	}
	return e, errors.Join(storable("data", e.data), e.checkMetadata())
}

func (w *written) complete() error {
	for _, m := range []struct {
		name    string
		missing bool
	}{
		{"streamType", w.StreamType == nil}, {"streamId", w.StreamID == nil}, {"version", w.Version == nil}, {"type", w.Type == nil},
		{"schemaVersion", w.SchemaVersion == nil}, {"data", w.Data == nil}, {"metadata", w.Metadata == nil}, {"recordedAt", w.RecordedAt == nil},
	} {
		if m.missing {
			return fmt.Errorf("%s is missing", m.name)
		}
	}
	return nil
}

// parseID accepts the one form that is written.
func parseID(member, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.Nil, fmt.Errorf("%s is not a UUID in lower case", member)
	}
	return id, nil
}

// parseTime is stricter than time.Parse, which takes hours of one digit and fractions behind a comma.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasPrefix(text, t.Format("2006-01-02T15:04:05")) || strings.Contains(text, ",") ||
		!strings.HasSuffix(text, "Z") || !t.Equal(t.Truncate(time.Microsecond)) {
		return time.Time{}, errors.New("recordedAt is not a time in RFC 3339, in UTC with Z and in microseconds at most")
	}
	return t, nil
}

// madeID is the id of an event that comes without one: a UUIDv7 of its time, whose random bits are made of its
// stream and version. So it is the same whenever the file is imported.
func (e *event) madeID() (id uuid.UUID) {
	name := binary.BigEndian.AppendUint32(e.streamID[:], uint32(e.version)) // to be told apart, not counted
	sum := sha256.Sum256(name)
	copy(id[:], sum[:])
	var milliseconds [8]byte
	binary.BigEndian.PutUint64(milliseconds[:], uint64(e.recordedAt.UnixMilli())) // before 1970 they are as good as others
	copy(id[:6], milliseconds[2:])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id
}

// checkMetadata reads the metadata as everyone who reads the log does: pgx scans it with the standard library, which ignores letter case.
func (e *event) checkMetadata() error {
	var read eventstore.Metadata
	if !bytes.HasPrefix(e.metadata, []byte("{")) || stdjson.Unmarshal(e.metadata, &read) != nil {
		return errors.New("metadata is not an object with actor, source, correlationId and perhaps causationId and traceparent")
	}
	return storable("metadata", e.metadata)
}

const maxDepth = 32

// storable refuses what is JSON and yet more than PostgreSQL's jsonb takes, while the line is known. The value has
// been read as JSON, so it is enough to see where strings and numbers begin; a decoder would read it all once more.
func storable(member string, value []byte) error {
	depth := 0
	for i := 0; i < len(value); i++ {
		rest := value[i:]
		switch c := value[i]; {
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%s is nested deeper than %d", member, maxDepth)
			}
		case c == '}', c == ']':
			depth--
		case c == '"':
			n := stringLength(rest)
			if hasNull(rest[:n]) {
				return fmt.Errorf("%s has U+0000 in it, which cannot be stored", member)
			}
			i += n - 1
		case c == '-', '0' <= c && c <= '9':
			n := len(rest) - len(bytes.TrimLeft(rest, "+-.0123456789eE"))
			if !moderate(string(rest[:n])) {
				return fmt.Errorf("%s has a number in it that is out of range", member)
			}
			i += n - 1
		}
	}
	return nil
}

// stringLength counts the quotes in.
func stringLength(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// hasNull tells the character from the text of its escape.
func hasNull(quoted []byte) bool {
	if !bytes.Contains(quoted, []byte(`\u0000`)) {
		return false
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	return err != nil || bytes.IndexByte(text, 0) >= 0
}

// More than any that is meant as a number, and less than PostgreSQL has room for. It writes exponents out as digits.
const maxDigits, maxExponent = 10_000, 308

func moderate(number string) bool {
	exponent := 0
	if e := strings.IndexAny(number, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(number[e+1:]); err != nil {
			return false
		}
	}
	exponent = max(exponent, -exponent)
	return exponent <= maxExponent && len(number)+exponent <= maxDigits
}
