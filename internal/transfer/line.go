package transfer

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// event is one line, and one row of the log.
type event struct {
	position   int64
	id         uuid.UUID
	streamType string
	streamID   uuid.UUID
	version    int32
	typ        string
	schema     int16
	data       []byte
	metadata   []byte
	recordedAt time.Time
	exported   bool // it has the position and the id that a log gave it
}

// columns are where a row of selectLines is scanned to. The bytes of ids, as uuid.UUID itself would be
// scanned by way of its text.
func (e *event) columns() []any {
	return []any{
		&e.position, (*[16]byte)(&e.id), &e.streamType, (*[16]byte)(&e.streamID), &e.version,
		&e.typ, &e.schema, &e.data, &e.metadata, &e.recordedAt,
	}
}

// PostgreSQL's precision, and always all of it.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// appendLine writes the event as it is stored.
func (e *event) appendLine(b []byte) (_ []byte, err error) {
	b = strconv.AppendInt(append(b, `{"position":`...), e.position, 10)
	b = appendID(append(b, `,"id":"`...), e.id)
	if b, err = jsontext.AppendQuote(append(b, `","streamType":`...), e.streamType); err != nil {
		return nil, err
	}
	b = appendID(append(b, `,"streamId":"`...), e.streamID)
	b = strconv.AppendInt(append(b, `","version":`...), int64(e.version), 10)
	if b, err = jsontext.AppendQuote(append(b, `,"type":`...), e.typ); err != nil {
		return nil, err
	}
	b = strconv.AppendInt(append(b, `,"schemaVersion":`...), int64(e.schema), 10)
	b = append(append(b, `,"data":`...), e.data...)
	b = append(append(b, `,"metadata":`...), e.metadata...)
	b = e.recordedAt.UTC().AppendFormat(append(b, `,"recordedAt":"`...), timeFormat)
	return append(b, "\"}\n"...), nil
}

func appendID(b []byte, id uuid.UUID) []byte {
	text, _ := id.MarshalText() // has no way to fail
	return append(b, text...)
}
