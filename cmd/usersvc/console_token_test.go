package main

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Whoever has to say who they are pastes a token, and loses it with the page.
func TestConsoleAsksForAToken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	token := func(scope string) string {
		made, err := program(t.Context(), folder, nil, "token", "--sub", "ada", "--scope", scope).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(made))
	}
	reader, operator := token("users:read"), token("ops")
	p := serve(t, folder, "DATABASE_URL="+pgtest.DB(t).URL, "USERSVC_AUTH=jwt", "USERSVC_JWT_ISSUER=usersvc-dev", "USERSVC_JWT_AUDIENCE=usersvc",
		"USERSVC_JWKS_FILE=.data/auth/jwks.json")
	b := browse(t, p)
	if b == nil {
		return
	}
	c := &consoleVisit{b, p}
	c.open("/users")
	c.fill("#token", reader)
	c.click("#sign-in button")
	c.until(`document.querySelector("#users") !== null`)
	c.click(`header a[href="/console/system"]`)
	c.shows("it takes the scope ops")
	c.do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	c.until(`document.querySelector("#users") !== null`)
	if kept := ask(b, chromedp.Evaluate[string](`document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)`)); strings.Contains(kept, "ey") {
		t.Errorf("the token is kept in %s", kept)
	}
	c.click("#sign-out")
	c.until(`document.querySelector("#sign-in") !== null`)
	c.fill("#token", operator)
	c.click("#sign-in button")
	c.click(`header a[href="/console/projections"]`)
	c.shows("Events behind")
	c.do(chromedp.Evaluate[chromedp.Void](`document.addEventListener("htmx:configRequest", (e) => { e.detail.headers.Authorization = "Bearer expired"; })`))
	c.until(`document.querySelector("#main > #sign-in") !== null && document.querySelector("#main section") === null`)
	if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	c.goTo("/users") // where the token would become a part of the address
	c.shows("Without JavaScript")
	c.until(`document.querySelector("#sign-in button:disabled") !== null`)
}
