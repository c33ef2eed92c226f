// Package tuples writes rows as PostgreSQL's COPY has them in its binary format
// (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4).
//
// A rebuild copies millions of rows. pgx would have each value boxed, and find out anew how its type is encoded: that took a
// third of the rebuilding process's time. Here a value becomes bytes where it is known what it is.
package tuples

import (
	"bytes"
	"encoding/binary"
	"io"
	"time"
)

// Rows gathers rows of one table, in the order of its columns. Begin a row, then append as many values as were said.
type Rows struct{ bytes []byte }

const (
	// A signature, no flags, no extension.
	header  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	trailer = "\xff\xff"
	null    = -1 // as a length
	textOID = 25
	jsonbV1 = 1
)

// File is the rows as COPY … FROM STDIN (FORMAT binary) reads them.
func (r *Rows) File() io.Reader {
	return io.MultiReader(bytes.NewReader([]byte(header)), bytes.NewReader(r.bytes), bytes.NewReader([]byte(trailer)))
}

// Empty says that no row was begun.
func (r *Rows) Empty() bool { return len(r.bytes) == 0 }

// Take hands over what was gathered, and begins anew.
func (r *Rows) Take() Rows {
	taken := *r
	r.bytes = make([]byte, 0, len(taken.bytes)*9/8) // about as much will come again
	return taken
}

// Begin begins the next row.
func (r *Rows) Begin(columns uint16) *Rows {
	r.bytes = binary.BigEndian.AppendUint16(r.bytes, columns)
	return r
}

// Null is NULL, of any type.
func (r *Rows) Null() *Rows { return r.length(null) }

// Int4 is an integer, of 32 bits: a length, or a count of events.
func (r *Rows) Int4(v int) *Rows { return r.length(4).int32(v) }

// Int8 is a bigint.
func (r *Rows) Int8(v int64) *Rows { return r.length(8).int64(v) }

// UUID is a uuid.
func (r *Rows) UUID(v [16]byte) *Rows {
	r.length(len(v))
	r.bytes = append(r.bytes, v[:]...)
	return r
}

// Text is a text.
func (r *Rows) Text(v string) *Rows {
	r.length(len(v))
	r.bytes = append(r.bytes, v...)
	return r
}

// JSON is a jsonb.
func (r *Rows) JSON(v []byte) *Rows {
	r.length(1 + len(v))
	r.bytes = append(append(r.bytes, jsonbV1), v...)
	return r
}

var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// Time is a timestamptz, of microseconds.
func (r *Rows) Time(v time.Time) *Rows { return r.Int8(v.UnixMicro() - epoch) }

// TimeOrNull is Time, and NULL for zero.
func (r *Rows) TimeOrNull(v time.Time) *Rows {
	if v.IsZero() {
		return r.Null()
	}
	return r.Time(v)
}

// Texts is a text[] without NULLs.
func (r *Rows) Texts(v []string) *Rows {
	at := r.open()
	dimensions := min(len(v), 1)
	r.int32(dimensions).int32(0).int32(textOID)
	if dimensions > 0 {
		r.int32(len(v)).int32(1)
	}
	for _, s := range v {
		r.Text(s)
	}
	return r.close(at)
}

// Vector is a tsvector of lexemes that are sorted, each once, without positions.
func (r *Rows) Vector(lexemes []string) *Rows {
	at := r.open()
	r.int32(len(lexemes))
	for _, l := range lexemes {
		r.bytes = append(append(r.bytes, l...), 0, 0, 0)
	}
	return r.close(at)
}

// open begins a value of which the length is not known yet; close says it.
func (r *Rows) open() (at int) {
	r.length(0)
	return len(r.bytes)
}

func (r *Rows) close(at int) *Rows {
	binary.BigEndian.PutUint32(r.bytes[at-4:], uint32(len(r.bytes)-at)) // a value is less than a gigabyte
	return r
}

func (r *Rows) length(n int) *Rows { return r.int32(n) }

func (r *Rows) int32(v int) *Rows {
	r.bytes = binary.BigEndian.AppendUint32(r.bytes, uint32(v)) // negative ones are meant to be large
	return r
}

func (r *Rows) int64(v int64) *Rows {
	r.bytes = binary.BigEndian.AppendUint64(r.bytes, uint64(v))
	return r
}
