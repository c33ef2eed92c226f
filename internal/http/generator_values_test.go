package httpapi_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// text is a value as it stands in an address or a header.
func (g *generator) text(p *openapi3.Parameter) string {
	switch value := g.value(p.Name, p.Schema.Value).(type) {
	case []any:
		texts := make([]string, len(value))
		for i, v := range value {
			texts[i] = fmt.Sprint(v)
		}
		return strings.Join(texts, ",")
	default:
		return fmt.Sprint(value)
	}
}

// value fits a schema; where that alone would seldom be of use, as for an id, it is one that exists.
func (g *generator) value(name string, schema *openapi3.Schema) any {
	switch {
	case schema.Const != nil:
		return schema.Const
	case len(schema.Enum) > 0:
		return pick(g, schema.Enum)
	case len(schema.OneOf) > 0:
		return g.value(name, pick(g, schema.OneOf).Value)
	case schema.Type.Includes("object"):
		return g.object(schema)
	case schema.Type.Is("array"):
		return g.array(name, schema)
	case schema.Type.Is("boolean"):
		return g.IntN(2) == 0
	case schema.Type.Is("integer"):
		return g.number(name, schema)
	case schema.Type.Includes("null") && g.IntN(4) == 0:
		return nil
	}
	return g.string(name, schema)
}

func (g *generator) object(schema *openapi3.Schema) map[string]any {
	object := map[string]any{}
	for _, part := range schema.AllOf {
		maps.Copy(object, g.object(part.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if slices.Contains(schema.Required, name) || g.IntN(3) > 0 {
			object[name] = g.value(name, schema.Properties[name].Value)
		}
	}
	return object
}

func (g *generator) array(name string, schema *openapi3.Schema) (array []any) {
	for range max(int(schema.MinItems), g.IntN(4)) {
		array = append(array, g.value(name, schema.Items.Value))
	}
	return array
}

// number stays small, as who asks for what is not there yet waits for it in vain.
func (g *generator) number(name string, schema *openapi3.Schema) int {
	if name == "wait" {
		return 0
	}
	least := 0
	if schema.Min != nil {
		least = int(*schema.Min)
	}
	return least + g.IntN(pick(g, []int{2, 5, 50}))
}

func (g *generator) string(name string, schema *openapi3.Schema) string {
	switch {
	case schema.Format == "uuid":
		return g.often(func() string { return pick(g, g.ids) }, []string{uuid.NewString(), strings.ToUpper(g.ids[0])})
	case schema.Format == "date-time":
		return pick(g, instants)
	case schema.Format == "idn-email":
		return fmt.Sprintf("user%d@%s", g.IntN(200), pick(g, []string{"example.com", "Example.COM", "bücher.example"}))
	}
	if of := usual[name]; of != nil {
		return pick(g, of)
	}
	return pick(g, []string{"Ada", "e\u0301", "😀 Lovelace", strings.Repeat("a", 100)})
}

var instants = []string{"2020-01-01T00:00:00Z", "2020-01-01T01:00:00.123456789+01:00", "0001-01-01T00:00:00Z"}

// usual are values of what a schema describes by a pattern, or not at all.
var usual = map[string][]string{
	"role": {"admin", "editor", "a:b", "x_1"}, "name": {"user_profiles"}, "projection": {"user_profiles"}, "code": {"email_taken", "internal"}, "q": {"ada", "user1", "lov ada"},
	"fields": {"roles", "status,email"}, "from": {"position:0", "position:50", "1", instants[0]}, "to": {"position:50", "position:60", "2", instants[0]}, "types": {"UserCreated", "RoleGranted"},
	"source": {"/posts", "https://posts.example/blog"}, "cursor": {"50"}, "X-Request-Id": {"r-1"}, "X-Actor": {"support"}, "Prefer": {"wait=4", "wait=5"},
	"If-Match": {"*", `"1.0"`, `"2"`, `W/"1.0"`, `"1", "2.0"`}, "If-None-Match": {"*", "*", `"1.0"`, `W/"50"`}, "Idempotency-Key": {"k1", `"k2"`, "k3", "k4", "k5"},
	"traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
}

var hostile = []string{"", "+", "-1", "0", "9223372036854775808", "infinity", "294277-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "%00", "%ff", "%zz", "a;b", "'", "\\", "(", "ada+%26+!", ":*",
	"\u200b", "ada@localhost", "a,b", ",", "%0d%0aX-A:b", "AAAA_-", strings.Repeat("x", 600), strings.Repeat("a,", 300), "%F0%9F%98%80", "null", "NaN", "1e3", "0x1", "position:", "position:-1"}

var pathHostile = []string{"", "1", "%00", "%ff", "..", "%2e%2e", "a%2Fb", "a%3Ab", "Admin", "'", "*", "%C0%AF", strings.Repeat("x", 600), "0193A0B0-0000-7000-8000-00000000000A", "00000000-0000-0000-0000-000000000000"}

var headerHostile = []string{"", "\xff", "a b", "*", "k", `"`, `"-1"`, `"9223372036854775808"`, `"1",`, "text/plain", "application/json; charset=latin1", "wait=x", "wait=-1", "-1", "é",
	strings.Repeat("a", 300), strings.Repeat(`"1",`, 300), "00-00000000000000000000000000000000-0000000000000000-00", "${jndi:ldap://127.0.0.1/a}"}

// Made once: under the race detector large strings cost more than requests do.
var deep, tooLarge = strings.Repeat("[", 2000), strings.Repeat("x", 66_000)

// rawValues are what no encoder writes, by what stands for them.
var rawValues = map[string]string{`"<surrogate>"`: `"\ud800"`, `"<bytes>"`: "\"\xff\"", `"<huge>"`: "1e999", `"<control>"`: "\"\x01\""}

// spoilt has one value within exchanged for one that is hostile, or a member more.
func (g *generator) spoilt(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 && g.IntN(6) > 0 {
			name := pick(g, slices.Sorted(maps.Keys(v)))
			v[name] = g.spoilt(v[name])
			return v
		}
		v[pick(g, []string{"x", "Email", "isAdmin", "status", "version", "__proto__", ""})] = true
		return v
	case []any:
		if len(v) > 0 && g.IntN(4) > 0 {
			i := g.IntN(len(v))
			v[i] = g.spoilt(v[i])
			return v
		}
	}
	return pick(g, []any{nil, true, -1, 1.5, 1 << 40, "", " ", "\u0000", "\u200b", "\u202e", "ada@localhost", "a@b@example.com", "'; DROP TABLE users --", "infinity", []any{}, map[string]any{},
		[]any{nil, []any{1}}, strings.Repeat("é", 300), "<surrogate>", "<bytes>", "<huge>", "<control>"})
}
