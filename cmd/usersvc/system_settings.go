package main

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// settingsOf lists what the environment can say, with the values that are in force.
func settingsOf(config *config) []httpapi.Setting { return settingsIn(reflect.ValueOf(config).Elem()) }

func settingsIn(v reflect.Value) (all []httpapi.Setting) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		switch name := field.Tag.Get("env"); {
		case name != "":
			all = append(all, httpapi.Setting{Name: name, Value: settingText(value.Interface())})
		case field.Anonymous || field.Name == "Serve": // not what other subcommands take
			all = append(all, settingsIn(value)...)
		}
	}
	return all
}

func settingText(value any) string {
	if list, ok := value.([]string); ok {
		return strings.Join(list, ",")
	}
	return withoutPassword(fmt.Sprint(value))
}

// withoutPassword takes it out of an address. What is written in another way and speaks of one is not taken apart, and not shown.
func withoutPassword(s string) string {
	u, err := url.Parse(s)
	if strings.Contains(s, "password") || err != nil && strings.Contains(s, "://") {
		return "(set)"
	}
	if err != nil || u.User == nil {
		return s
	}
	u.User = url.User(u.User.Username())
	return u.String()
}
