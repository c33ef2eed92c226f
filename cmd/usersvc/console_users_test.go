package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// The list follows what is put into the form above it, which itself stays as it is: somebody is about to put in the next letter.
func TestConsoleLetsPeopleType(t *testing.T) {
	t.Parallel()
	c := visitConsole(t)
	if c == nil {
		return
	}
	c.p.create("ada@example.com")
	c.p.create("adele@example.com")
	c.p.settled()
	c.open("/users")
	c.shows("ada@example.com")
	c.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#q").closest("form").dataset.same = "yes"`))
	c.do(chromedp.SendKeys(chromedp.CSS("#q"), "ad"))
	c.until(`location.search.includes("q=ad")`)
	c.shows("adele@example.com")
	c.do(chromedp.SendKeys(chromedp.CSS("#q"), "ele"))
	c.until(`location.search.includes("q=adele") && document.querySelectorAll("#users tbody tr").length === 1`)
	// The first digit of a year is a year.
	c.do(chromedp.Focus(chromedp.CSS("#moment")), chromedp.Evaluate[chromedp.Void](`
		document.activeElement.value = "0002-05-15T00:00:00"; document.activeElement.dispatchEvent(new Event("change", {bubbles: true}))`))
	c.shows("Nobody at that moment")
	c.until(`/As of 0002-05-15 00:00:00 UTC, 2\d{3} years ago/.test(document.querySelector("main").innerText)`)
	c.until(`document.activeElement.id === "moment" && document.activeElement.closest("form").dataset.same === "yes"`)
	c.checkAccess("a list of nobody")
}
