package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/device"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// visitConsole opens a browser at the console of a service of its own; nil: there is no browser.
func visitConsole(t *testing.T, env ...string) *consoleVisit {
	t.Helper()
	p := serve(t, t.TempDir(), append(env, "DATABASE_URL="+pgtest.DB(t).URL)...)
	b := browse(t, p)
	if b == nil {
		return nil
	}
	return &consoleVisit{b, p}
}

// The longest words that a user can have are broken, and the page is as wide as any.
func TestConsoleBreaksLongWords(t *testing.T) {
	t.Parallel()
	c := visitConsole(t)
	if c == nil {
		return
	}
	word := func(n int) string { return strings.Repeat("w", n) }
	user := "/v1/users/" + c.p.must(201, "POST", "/v1/users", `{"displayName": "`+word(200)+`", "email": "`+word(64)+"@"+word(63)+"."+word(63)+`.example"}`,
		"X-Actor: "+word(64)).body["id"].(string)
	c.p.must(200, "PUT", user+"/roles/"+word(64), "")
	c.p.must(200, "POST", user+"/suspend", `{"reason": "`+word(500)+`"}`)
	c.p.settled()
	for _, screen := range []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(1280, 900), chromedp.Emulate(device.IPhone13)} {
		c.do(screen)
		for _, page := range []string{"/users", strings.TrimPrefix(user, "/v1"), "/activity"} {
			c.goTo(page)
			c.shows(word(64))
			const beyond = `Math.max(...[document.documentElement, ...document.querySelectorAll("main, main *")].map(e => e.getBoundingClientRect().right)) - innerWidth`
			if wide := ask(c.browser, chromedp.Evaluate[float64](beyond)); wide > 0 {
				t.Errorf("%s is %.0f pixels wider than the screen", page, wide)
			}
		}
	}
}
