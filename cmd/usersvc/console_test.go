package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/device"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// screenshots is where pictures of the pages are put, for `make screenshots`; empty: nowhere.
var screenshots = os.Getenv("USERSVC_SCREENSHOTS")

// A year that is made up is looked at and changed, page by page, as a person would.
func TestConsole(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	env := []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL, "USERSVC_RETRY_TRIES=1"}
	if said, err := program(t.Context(), t.TempDir(), env, "demo", "--people", "300").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	p := serve(t, t.TempDir(), env...)
	p.settled()
	b := browse(t, p)
	if b == nil {
		return
	}
	c := &consoleVisit{b, p}
	c.findsUsers()
	c.travels()
	c.changesAUser()
	c.isToldOfOthersChanges()
	c.keepsOthersChanges()
	c.restores()
	c.watches()
	c.rebuilds(db)
	c.seesDriftAndLag(db)
	c.mends(t, db)
	c.looksAtTheSystem(db)
	c.readsInTheDarkAndOnAPhone(t)
}

// consoleVisit is somebody at the console.
type consoleVisit struct {
	*browser
	p *process
}

// open goes to a page, and has what is wrong with it for those who cannot see or use a mouse found.
func (c *consoleVisit) open(path string) {
	c.t.Helper()
	c.goTo(path)
	c.checkAccess(path)
}

func (c *consoleVisit) goTo(path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.p.url+"/console"+path), chromedp.WaitVisible(chromedp.CSS("h1")))
}

// until waits for a condition, in JavaScript.
func (c *consoleVisit) until(condition string) {
	c.t.Helper()
	for began := time.Now(); !ask(c.browser, chromedp.Evaluate[bool](`!!(`+condition+`)`)); <-time.After(20 * time.Millisecond) {
		if time.Since(began) > patience {
			c.t.Fatalf("it never was so that %s\nthe page shows: %.3000s", condition, ask(c.browser, chromedp.Text(chromedp.CSS("body"))))
		}
	}
}

func (c *consoleVisit) shows(text string) {
	c.t.Helper()
	c.until(fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, text))
}

// fill puts a value into a field, as typing does.
func (c *consoleVisit) fill(field, value string) {
	c.t.Helper()
	c.do(chromedp.Clear(chromedp.CSS(field)), chromedp.SendKeys(chromedp.CSS(field), value))
}

// click presses something, when htmx is done with what it has put there.
func (c *consoleVisit) click(what string) {
	c.t.Helper()
	c.until(`!document.querySelector(".htmx-added, .htmx-settling, .htmx-swapping")`)
	c.do(chromedp.Click(chromedp.CSS(what)))
}

// photograph keeps a picture of the page.
func (c *consoleVisit) photograph(name string) {
	c.t.Helper()
	picture := ask(c.browser, chromedp.CaptureScreenshot())
	if screenshots == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), picture, 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *consoleVisit) findsUsers() {
	c.do(chromedp.EmulateViewport(1280, 860))
	c.open("/users")
	c.shows("Support Robot")
	c.photograph("users")
	c.fill("#q", "mustermann")
	c.until(`document.querySelectorAll("#users tbody tr").length === 1`)
	c.shows("max.mustermann@agency.example")
	c.until(`location.search.includes("q=mustermann")`)
	// Back is where one was before.
	c.do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	c.until(`document.querySelectorAll("#users tbody tr").length === 50`)
	c.click(`a[rel="next"]`)
	c.until(`location.search.includes("cursor=")`)
}

// travels steps through the versions of somebody who has many.
func (c *consoleVisit) travels() {
	c.open("/users?q=robot")
	c.click(`#users tbody a`)
	c.shows("Time machine")
	c.checkAccess("a user")
	newest := ask(c.browser, chromedp.Evaluate[int](`+document.querySelector("#version").max`))
	if newest < 1000 {
		c.t.Errorf("the robot has %d versions", newest)
	}
	c.do(chromedp.Focus(chromedp.CSS("#version")), chromedp.KeyEvent(kb.ArrowLeft))
	c.until(fmt.Sprintf(`document.querySelector("#at").textContent === "%d"`, newest-1))
	c.click(`[data-step="first"]`)
	c.shows("This is how the user began.")
	c.click(`[data-step="on"]`)
	c.until(`document.querySelector("#shown tr.changed") !== null`)
	c.photograph("time-machine")
	c.fill("#to", "3")
	c.click("#compare ~ form button")
	c.shows("to version 3")
	c.open("/users?at=2020-01-01T00:00")
	c.shows("Nobody at that moment")
}

func (c *consoleVisit) changesAUser() {
	c.open("/users/new")
	c.fill("#create-email", "ada@localhost")
	c.fill("#create-displayName", "Ada Lovelace")
	c.click("form.stack button")
	c.until(`document.querySelector("#create-email[aria-invalid=true]") !== null`)
	c.fill("#create-email", "ada@example.com")
	c.click("form.stack button")
	c.shows("Created.")
	c.until(`/^\/console\/users\/[0-9a-f-]{36}$/.test(location.pathname)`)
	c.send("suspend", "reason", "Wrote to everybody")
	c.until(`document.querySelector("main .badge").innerText === "suspended"`)
	c.click("#command-reactivate summary")
	c.click("#command-reactivate button")
	c.until(`document.querySelector("main .badge").innerText === "active"`)
	c.send("grant", "role", "Not A Role")
	c.until(`document.querySelector("#command-grant .notice.trouble") !== null`)
	c.fill("#grant-role", "editor")
	c.click("#command-grant button")
	c.shows("This is version 4.")
}

// send opens the form of a command, fills a field and sends it.
func (c *consoleVisit) send(command, field, value string) {
	c.t.Helper()
	c.click("#command-" + command + " summary")
	c.fill("#"+command+"-"+field, value)
	c.click("#command-" + command + " button")
}

// user is the id of whose page is open.
func (c *consoleVisit) user() string {
	return ask(c.browser, chromedp.Evaluate[string](`document.querySelector("main .mono").innerText`))
}

func (c *consoleVisit) isToldOfOthersChanges() {
	c.p.must(200, "PUT", "/v1/users/"+c.user()+"/email", `{"email": "countess@example.com"}`)
	c.send("email", "email", "lovelace@example.com")
	c.shows("Somebody was faster.")
	c.photograph("conflict")
	c.click("#command-email button")
	c.shows("This is version 6.")
}

// keepsOthersChanges changes one name, while somebody else changes another.
func (c *consoleVisit) keepsOthersChanges() {
	path := "/v1/users/" + c.user()
	c.p.must(200, "PATCH", path, `{"firstName": "Augusta Ada"}`, "Content-Type: application/merge-patch+json")
	c.send("profile", "displayName", "Countess of Lovelace")
	c.shows("Somebody was faster.")
	c.until(`document.querySelector("#profile-firstName").value === "Augusta Ada" && document.querySelector("#profile-displayName").value === "Countess of Lovelace"`)
	c.click("#command-profile button")
	c.shows("This is version 8.")
	if u := c.p.must(200, "GET", path, "").body; u["displayName"] != "Countess of Lovelace" || u["firstName"] != "Augusta Ada" {
		c.t.Errorf("two people changed a name each, and the user is %v", u)
	}
	c.click("#command-profile summary")
	c.click("#command-profile button") // with nothing changed
	c.until(`document.querySelector("#command-profile:not([open])") !== null`)
	c.shows("This is version 8.")
}

func (c *consoleVisit) restores() {
	c.click(`[data-step="first"]`)
	c.shows("This is how the user began.")
	c.click("#shown details summary")
	c.fill("#restore-reason", "The change was not hers")
	c.click("#shown details button")
	c.shows("This would record:")
	c.click("#restore button")
	c.until(`document.querySelector("main .lead").innerText.includes("ada@example.com")`)
}

// watches sees what happens while it happens, and what came of one request.
func (c *consoleVisit) watches() {
	c.open("/activity")
	id := c.p.create("grace@example.com")
	c.until(fmt.Sprintf(`document.querySelector("#events tr.fresh a")?.title === %q`, id))
	c.photograph("activity")
	c.click(`#events tr.fresh td:last-child a`)
	c.shows("What one request led to")
	c.until(`document.querySelector("ol.chain .badge.done, ol.chain .badge.waiting") !== null`)
	c.checkAccess("a chain")
	c.open("/activity?actor=somebody-new")
	c.shows("Nothing yet.")
	c.p.must(201, "POST", "/v1/users", `{"email": "judy@example.com", "displayName": "Judy"}`, "X-Actor: somebody-new")
	c.until(`document.querySelector("#events tr.fresh") !== null && !document.querySelector("#events").innerText.includes("Nothing")`)
	c.open("/activity?actor=rota&type=RoleGranted")
	c.until(`[...document.querySelectorAll("#events tr")].length === 50 && [...document.querySelectorAll("#events tr")].every(r => r.innerText.includes("rota"))`)
}

// rebuilds watches a rebuild that has to wait for somebody who reads the live rows.
func (c *consoleVisit) rebuilds(db pgtest.Database) {
	c.open("/projections")
	letGo := holdOpen(c.t, db, `LOCK TABLE derived.user_profiles IN ACCESS SHARE MODE`)
	c.click(`form[hx-post$="/rebuild"] button`)
	c.shows("switching")
	c.until(`document.querySelector("progress").value === 100`)
	c.photograph("projections")
	letGo()
	c.shows("no difference found")
	c.until(`document.querySelector("svg[data-line] polyline").points.length > 2`)
}

// seesDriftAndLag shows rows that somebody has spoilt, and a relay that is held up.
func (c *consoleVisit) seesDriftAndLag(db pgtest.Database) {
	conn, err := pgx.Connect(c.t.Context(), db.AdminURL)
	if err != nil {
		c.t.Fatal(err)
	}
	execute(c.t, conn, `UPDATE derived.user_profiles SET display_name = 'Nobody' WHERE display_name = 'Ada Lovelace'`)
	_ = conn.Close(c.t.Context())
	c.click(`form[hx-post$="/rebuild"] button`)
	c.shows("1 users differed, and are right now")
	letGo := holdOpen(c.t, db, `SELECT FROM derived.subscriptions FOR UPDATE`)
	c.p.create("heidi@example.com")
	c.until(`document.querySelector("[data-seen$=lag]").dataset.value === "1"`)
	letGo()
	c.until(`document.querySelector("[data-seen$=lag]").dataset.value === "0"`)
}

const (
	breakHandler = `
CREATE FUNCTION derived.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this name cannot be taken' USING ERRCODE = '22000'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON derived.user_profiles FOR EACH ROW WHEN (NEW.display_name = 'Mallory') EXECUTE FUNCTION derived.refuse()`
	mendHandler = `DROP TRIGGER refuse ON derived.user_profiles; DROP FUNCTION derived.refuse`
)

// mends sees what has failed, tries it again in vain, and once more when the cause is gone; and gives another event up.
func (c *consoleVisit) mends(t *testing.T, db pgtest.Database) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	execute(t, conn, breakHandler)
	c.p.must(201, "POST", "/v1/users", `{"email": "mallory@example.com", "displayName": "Mallory"}`)
	c.awaitParked(1)
	c.open("/users")
	c.shows("One user waits behind an event that could not be handled")
	c.open("/dead-letters")
	c.click("td button")
	c.shows("mallory@example.com")
	c.photograph("dead-letters")
	c.click(`form[hx-post$="/retry"] button.main`)
	c.shows("1 events of this user still wait")
	execute(t, conn, mendHandler)
	c.click(`form[hx-post$="/retry"] button.main`)
	c.shows("Nothing of this user waits any more.")
	plantUnknownEvent(t, db.URL, uuid.MustParse(c.p.create("trent@example.com")))
	c.awaitParked(2)
	c.open("/dead-letters")
	c.do(chromedp.Evaluate[chromedp.Void](`confirm = () => true`))
	c.fill(`input[name="reason"]`, "Of a test build")
	c.click("button.danger")
	c.shows("Nothing of this user waits any more.")
	c.open("/dead-letters?state=skipped")
	c.shows("Of a test build")
}

func (c *consoleVisit) awaitParked(n int) {
	c.t.Helper()
	for began := time.Now(); len(c.p.must(200, "GET", "/v1/dead-letters", "").body["data"].([]any)) != n; <-time.After(20 * time.Millisecond) {
		if time.Since(began) > patience {
			c.t.Fatalf("there never were %d events parked", n)
		}
	}
}

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func (c *consoleVisit) looksAtTheSystem(db pgtest.Database) {
	letGo := holdOpen(c.t, db, `SELECT pg_advisory_xact_lock(7310579)`)
	c.p.must(503, "POST", "/v1/users", `{"email": "ivan@example.com", "displayName": "Ivan"}`)
	letGo()
	c.open("/system")
	c.until(`document.querySelector("#errors ~ .scroll .badge.warn") !== null`)
	c.shows("USERSVC_RETRY_TRIES")
	c.shows("somebody looked at what a dead letter says")
	if shown := ask(c.browser, chromedp.Text(chromedp.CSS("main"))); strings.Contains(shown, "password") {
		c.t.Errorf("the page shows a password: %s", shown)
	}
}

func (c *consoleVisit) readsInTheDarkAndOnAPhone(t *testing.T) {
	t.Helper()
	c.darken()
	pages := []string{"/users", "/users/new", "/activity", "/projections", "/dead-letters", "/system", "/users/" + c.p.create("olivia@example.com")}
	for _, page := range pages {
		c.open(page)
	}
	c.open("/users?q=robot")
	c.click(`#users tbody a`)
	c.shows("Time machine")
	c.photograph("dark")
	c.do(chromedp.Emulate(device.IPhone13))
	for _, page := range pages {
		c.goTo(page)
		if wide := ask(c.browser, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); wide > 0 {
			t.Errorf("on a phone %s is %d pixels wider than the screen", page, wide)
		}
	}
}

// checkAccess runs axe-core (testdata/axe.min.js, MPL-2.0), which finds what WCAG 2.2 AA forbids, and the like.
func (c *consoleVisit) checkAccess(page string) {
	c.t.Helper()
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(chromedp.Evaluate[chromedp.Void](string(axe) + `; undefined`))
	found := ask(c.browser, chromedp.Evaluate[string](`axe.run({resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v =>
		({impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))))`, chromedp.EvalAwaitPromise))
	var violations []struct {
		Impact, Help string
		Nodes        []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		c.t.Fatal(err)
	}
	for _, v := range violations {
		c.t.Errorf("%s: %s: %s: %.2000s", page, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
	}
}
