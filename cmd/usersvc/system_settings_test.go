package main

import (
	"strings"
	"testing"
)

// Whoever may see the settings does not see the passwords among them.
func TestSettingsHidePasswords(t *testing.T) {
	t.Parallel()
	for url, shown := range map[string]string{
		"postgres://ada:secret@db.example.com:5432/usersvc?sslmode=require": "postgres://ada@db.example.com:5432/usersvc?sslmode=require",
		"postgres://db.example.com/usersvc":                                 "postgres://db.example.com/usersvc",
		"postgres://db.example.com/usersvc?password=secret":                 "(set)",
		"host=db.example.com user=ada password=secret":                      "(set)",
		"host=db.example.com user=ada password = secret":                    "(set)",
		"postgres://ada:secret%zz@db.example.com/usersvc":                   "(set)",
		"": "",
	} {
		for _, s := range settingsOf(&config{DatabaseURL: url}) {
			if s.Name == "DATABASE_URL" && s.Value != shown {
				t.Errorf("%s is shown as %s", url, s.Value)
			}
			if strings.Contains(s.Value, "secret") {
				t.Errorf("%s shows a password: %s", s.Name, s.Value)
			}
		}
	}
}

// All that the README lists are there, but those that other commands take.
func TestSettingsAreShown(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for _, s := range settingsOf(&config{}) {
		if shown[s.Name] {
			t.Errorf("%s is shown twice", s.Name)
		}
		shown[s.Name] = true
	}
	for _, name := range []string{"DATABASE_URL", "USERSVC_ADDR", "USERSVC_AUTH", "USERSVC_JWKS_URL", "USERSVC_SNAPSHOT_EVERY"} {
		if !shown[name] {
			t.Errorf("%s is not shown", name)
		}
	}
}
