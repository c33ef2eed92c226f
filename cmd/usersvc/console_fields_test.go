package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What the API takes can be put into a form, and arrives as it was put there.
func TestConsoleSendsWhatWasTyped(t *testing.T) {
	t.Parallel()
	c := visitConsole(t)
	if c == nil {
		return
	}
	c.open("/users/new")
	c.fill("#create-email", "ada@bücher.example")
	c.fill("#create-displayName", strings.Repeat("😀", 150))
	c.click("form.stack button")
	c.shows("Created.")
	c.click("#command-profile summary")
	c.do(chromedp.SendKeys(chromedp.CSS("#profile-displayName"), kb.End+"😀"))
	c.click("#command-profile button")
	c.shows("This is version 2.")
	user := "/v1/users/" + c.user()
	if u := c.p.must(200, "GET", user, "").body; u["email"] != "ada@bücher.example" || u["displayName"] != strings.Repeat("😀", 151) {
		t.Errorf("the user is %v", u)
	}
	c.click(`[data-step="first"]`)
	c.until(`document.querySelector("#restore") !== null`)
	c.p.must(200, "DELETE", user, "")
	c.open(strings.TrimPrefix(user, "/v1") + "?version=1")
	c.until(`document.querySelector("#shown pre") !== null && document.querySelector("#restore") === null`)
	c.click(`[data-step="on"]`)
	c.until(`document.querySelector("#shown tr.changed") !== null && document.querySelector("#restore") === null`)
}
