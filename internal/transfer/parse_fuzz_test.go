package transfer

import (
	"testing"
	"unicode/utf8"
)

func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"streamType":"user","streamId":"0193c6a0-0000-7000-8000-000000000000","version":1,"type":"UserCreated","schemaVersion":1,"data":{"email":"ada@example.com","name":"Ada Lovelace"},"recordedAt":"2026-03-01T00:00:00Z"}`))
	f.Add([]byte(`{"position":1,"data":null,"recordedAt":"infinity"}`))
	f.Add([]byte("{\"type\":\"\\u0000\",\"type\":\"a\"}"))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parse(line, 7)
		if err != nil {
			if !utf8.ValidString(err.Error()) || err.Error() == "" {
				t.Fatalf("%q", err)
			}
			return
		}
		// What is taken is what an export would write.
		written, err := e.appendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(written, 7)
		if err != nil || again.streamID != e.streamID || again.id != e.id || again.typ != e.typ || !again.recordedAt.Equal(e.recordedAt) {
			t.Fatalf("%s becomes %s: %v", line, written, err)
		}
	})
}
