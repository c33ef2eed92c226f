package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// What templates can say.
var functions = template.FuncMap{
	"when": when, "ago": ago, "short": short, "value": value, "indented": indented, "label": label, "number": number, "percent": percent,
	"bare": bare, "position": position, "megabytes": megabytes, "list": func(parts ...any) []any { return parts },
}

const shown = "2006-01-02 15:04:05"

// when is a time to the second, in UTC; machines are told the rest.
func when(at time.Time) template.HTML {
	at = at.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, at.Format(time.RFC3339Nano), at.Format(shown))) //nolint:gosec // made of a time
}

// A time.Duration has no room for 300 years.
var ages = []struct {
	seconds int64
	name    string
}{{365 * 24 * 3600, "year"}, {30 * 24 * 3600, "month"}, {24 * 3600, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}}

// ago is how long ago something was, roughly.
func ago(at time.Time) string {
	since := time.Now().Unix() - at.Unix()
	for _, age := range ages {
		if n := since / age.seconds; n == 1 {
			return "1 " + age.name + " ago"
		} else if n > 1 {
			return fmt.Sprintf("%d %ss ago", n, age.name)
		}
	}
	return "just now"
}

// short is the end of an id: that of those made in one second begins alike.
func short(id string) string {
	if len(id) < 8 {
		return id
	}
	return id[len(id)-8:]
}

// value is that of a user's member.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case []any:
		return list(v)
	case []string:
		return orDash(strings.Join(v, ", "))
	case string:
		return orDash(v)
	case *string:
		if v == nil {
			return "–"
		}
		return *v
	case *time.Time:
		if v == nil {
			return "–"
		}
		return v.UTC().Format(shown)
	case time.Time:
		return v.UTC().Format(shown)
	}
	return fmt.Sprint(v)
}

func list(v []any) string {
	parts := make([]string, len(v))
	for i := range v {
		parts[i] = fmt.Sprint(v[i])
	}
	return orDash(strings.Join(parts, ", "))
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

var labels = map[string]string{
	"displayName": "Display name", "firstName": "First name", "lastName": "Last name", "email": "E-mail", "status": "Status", "roles": "Roles",
	"suspendedAt": "Suspended at", "suspensionReason": "Suspended because", "postCount": "Posts", "followerCount": "Followers",
}

// label is the name of a user's member for people.
func label(member string) string {
	if l, ok := labels[member]; ok {
		return l
	}
	return member
}

// number has its thousands set apart.
func number(n any) string {
	digits := fmt.Sprint(n)
	if f, ok := n.(float64); ok {
		digits = fmt.Sprint(int64(math.Round(f)))
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return 100 * min(part, whole) / whole
}

// bare is the type of a CloudEvent without what is around it: usersvc.UserCreated.v2 is UserCreated.
func bare(cloudType string) string {
	parts := strings.Split(cloudType, ".")
	if len(parts) == 3 {
		return parts[1]
	}
	return cloudType
}

// position is that of a CloudEvent's sequence, which is filled up with zeros.
func position(sequence string) int64 {
	n, _ := strconv.ParseInt(sequence, 10, 64)
	return n
}

func megabytes(bytes int64) int64 { return bytes >> 20 }
