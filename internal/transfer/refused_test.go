package transfer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/transfer"
)

// What a single line can have wrong is put into the last but one line, to have something to store before it.
func TestBadLinesAreNamed(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	for name, c := range map[string]struct{ from, to, why string }{
		"no JSON":                 {`{"position"`, `position`, "invalid"},
		"cut off":                 {`Z"}`, `Z"`, "unexpected EOF"},
		"two objects":             {`Z"}`, `Z"} {}`, "after top-level value"},
		"unknown member":          {`{"position"`, `{"extra":1,"position"`, "extra"},
		"member twice":            {`{"position"`, `{"position":8,"position"`, "duplicate"},
		"member in another case":  {`"streamType"`, `"StreamType"`, "StreamType"},
		"no stream":               {`"streamId":"01890000-0000-7000-8002-000000000003",`, ``, "streamId is missing"},
		"no metadata":             {`"metadata":` + metadata + `,`, ``, "metadata is missing"},
		"another position":        {`"position":8`, `"position":9`, "position is 9, and here it has to be 8"},
		"no id":                   {`8001-000000000008`, `8001`, "id is not a UUID"},
		"id in upper case":        {`"id":"0189`, `"id":"ABCD`, "lower case"},
		"id of another line":      {`8001-000000000008`, `8001-000000000002`, "its id is that of line 2"},
		"no time":                 {`2024-02-29T23`, `2024-02-30T23`, "recordedAt"},
		"another zone":            {`08.000000Z`, `08.000000+00:00`, "recordedAt"},
		"nanoseconds":             {`08.000000Z`, `08.0000001Z`, "recordedAt"},
		"a comma":                 {`08.000000Z`, `08,000000Z`, "not a time"},
		"hour of one digit":       {`T23:59:08`, `T3:59:08`, "not a time"},
		"time goes back":          {`59:08`, `59:06`, "before that of the line before"},
		"unknown stream type":     {`"streamType":"user"`, `"streamType":"order"`, "streamType is neither"},
		"unknown type":            {`"RoleGranted"`, `"RoleLent"`, "not known"},
		"unknown schema":          {`"schemaVersion":1`, `"schemaVersion":2`, "not known"},
		"schema out of range":     {`"schemaVersion":1`, `"schemaVersion":70000`, "schemaVersion"},
		"data without its member": {`{"role":"admin"}`, `{}`, "role is missing"},
		"data that is no object":  {`{"role":"admin"}`, `["admin"]`, "not a JSON object"},
		"data that is nothing":    {`{"role":"admin"}`, `null`, "not a JSON object"},
		"a member of data twice":  {`{"role":"admin"}`, `{"role":"admin","role":"user"}`, "duplicate"},
		"invalid UTF-8":           {`admin`, "\xff", "UTF-8"},
		"half a character":        {`admin`, `\ud800`, "surrogate"},
		"U+0000":                  {`admin`, `a\u0000b`, "U+0000"},
		"U+0000 behind escapes":   {`admin`, `\"\\\u0000`, "U+0000"},
		"a huge number":           {`"role"`, `"n":1e400,"role"`, "out of range"},
		"a tiny number":           {`"role"`, `"n":1e-20000,"role"`, "out of range"},
		"zero, hugely":            {`"role"`, `"n":0e99999999999999999999,"role"`, "out of range"},
		"many digits":             {`"role"`, `"n":` + strings.Repeat("1", 9_900) + `e200,"role"`, "out of range"},
		"a deep nest":             {`"role"`, `"n":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"role"`, "nested"},
		"metadata of a stranger":  {`"correlationId":"0189`, `"correlationId":"x189`, "metadata"},
		"metadata by its case":    {`"correlationId":"0189`, `"correlationid":"4711","correlationId":"0189`, "metadata"},
		"metadata with U+0000":    {`old system`, `old\u0000system`, "U+0000"},
		"a version left out":      {`"version":2`, `"version":3`, "version is 3, and in the stream it has to be 2"},
		"version zero":            {`"version":2`, `"version":0`, "version is 0"},
		"created twice":           {`"RoleGranted","schemaVersion":1,"data":{"role":"admin"}`, `"UserCreated","schemaVersion":1,"data":{"email":"e@example.com"}`, "UserCreated has to be the first"},
		"not created":             {`8002-000000000003","version":2`, `8002-000000000004","version":1`, "the first event of a user has to be UserCreated"},
		"after deletion":          {`8002-000000000003","version":2`, `8002-000000000002","version":5`, "deleted before"},
		"an endless address":      {`"RoleGranted","schemaVersion":1,"data":{"role":"admin"}`, `"UserEmailChanged","schemaVersion":1,"data":{"newEmail":"` + strings.Repeat("x", 3000) + `"}`, "longer than"},
		"an address that is held": {`"RoleGranted","schemaVersion":1,"data":{"role":"admin"}`, `"UserEmailChanged","schemaVersion":1,"data":{"newEmail":"COUNTESS@example.com"}`, "its address belongs to the user of line 3"},
	} {
		lines := changed(history(), 8, c.from, c.to)
		if slices.Equal(lines, history()) {
			t.Errorf("%s: the line is as it was", name)
		}
		t.Run(name, func(t *testing.T) { isRefused(t, db, text(lines), 8, c.why) })
	}
}

// The clock of a log may have been ahead once. What it exported can be taken in, again and again; a file that was made otherwise has a
// mistake there.
func TestTimesToCome(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	lines := history()
	last := len(lines)
	lines = changed(lines, last, `2024-02-29`, `2999-01-01`)
	isRefused(t, db, text(changed(lines, last, fmt.Sprintf(`"position":%d,`, last), ``)), int64(last), "in the future")
	for range 2 {
		if _, err := imports(t, db, text(lines)); err != nil {
			t.Error(err)
		}
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := history()
	var mixed file
	mixed.add("user", origin.StreamID(), "UserCreated", 2, `{"email":"eve@example.com","displayName":"Eve"}`)
	mixed.post(origin.StreamID())
	next := domain.NextStreamID(origin.StreamID())
	elsewhere := changed(good, 9, origin.StreamID().String(), next.String())
	var late file
	late.user(3, "UserCreated", 2, `{"email":"ada@example.com","displayName":"Ada"}`)
	late.post(next)
	late.add("user", origin.StreamID(), "UserCreated", 2, `{"email":"eve@example.com","displayName":"Eve"}`)
	var twice file
	twice.post(origin.StreamID())
	twice.post(next)
	for name, c := range map[string]struct {
		lines []string
		line  int64
		why   string
	}{
		"begins later":          {good[1:], 1, "position is 2, and here it has to be 1"},
		"empty line":            {slices.Insert(slices.Clone(good), 3, ""), 4, "EOF"},
		"line left out":         {slices.Delete(slices.Clone(good), 3, 4), 4, "position is 5"},
		"long line":             {changed(good, 2, `"more"`, `"more":"`+strings.Repeat("x", 1<<20)+`","m"`), 2, "longer"},
		"address taken at once": {changed(good, 2, "bob@", "ADA@"), 2, "its address belongs to the user of line 1"},
		"activity elsewhere":    {changed(changed(good, 9, origin.StreamID().String(), user(3).String()), 9, `"version":1`, `"version":3`), 9, "which source and id make"},
		"activity, evading":     {elsewhere, 9, "no user has the id " + origin.StreamID().String()},
		"evading nobody yet":    {late.lines, 2, "no user has the id"},
		"evading itself":        {twice.lines, 2, "no user has the id"},
		"another stream type":   {mixed.lines, 2, "another streamType"},
		"activity twice":        {append(slices.Clone(good), strings.NewReplacer(`"position":9`, `"position":10`, `8001-000000000009`, `8001-000000000010`, `"version":1`, `"version":2`).Replace(good[8])), 10, "a stream of its own"},
		"activity of nobody":    {changed(good, 9, `"authorId"`, `"reader"`), 9, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isRefused(t, pgtest.DB(t), text(c.lines), c.line, c.why)
		})
	}
}

// Each column is compared: of a log that differs in a single one, nothing is the beginning of the file.
func TestAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	good := history()
	mustImport(t, db, text(good[:8]), transfer.Imported{Lines: 8})
	for name, lines := range map[string][]string{
		"id":             changed(good, 3, "8001-000000000003", "8001-000000000099"),
		"stream":         changed(changed(good, 1, user(1).String(), user(9).String()), 3, user(1).String(), user(9).String()),
		"type":           changed(good, 8, "RoleGranted", "RoleRevoked"),
		"schema version": changed(good, 1, `"schemaVersion":1,`, `"schemaVersion":2,`),
		"data":           changed(good, 2, "1.50", "1.5"),
		"metadata":       changed(good, 3, "old system", "new system"),
		"time":           changed(good, 3, "03.000000Z", "03.000001Z"),
	} {
		t.Run(name, func(t *testing.T) {
			line := int64(1)
			for n := range good {
				if lines[n] != good[n] {
					line = int64(n + 1)
					break
				}
			}
			isRefused(t, db, text(lines), line, "another event at this position")
		})
	}
	t.Run("longer than the file", func(t *testing.T) { isRefused(t, db, text(good[:4]), 5, "the file ends here") })
	mustImport(t, db, text(good), transfer.Imported{Before: 8, Lines: 9})
	mustImport(t, db, text(good), transfer.Imported{Before: 9, Lines: 9})
	isRight(t, db)
}
