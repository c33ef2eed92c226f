package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/device"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// browser is a Chromium that looks at a service, and keeps what went wrong meanwhile.
type browser struct {
	context.Context
	t    *testing.T
	host string

	mu       sync.Mutex
	troubles []string
}

// browse opens a browser, or says that there is none. Whatever its pages complain of, or ask another host for, fails the test.
func browse(t *testing.T, p *process) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Log("not shown on this machine: chromium is not installed")
		return nil
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true))...)
	t.Cleanup(cancel)
	b := &browser{t: t, host: strings.TrimPrefix(p.url, "http://")}
	b.Context, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { b.checkNoTrouble(); cancel() })
	if err := chromedp.Do(b, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(b, b.listen); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.troubles = append(b.troubles, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		for _, said := range e.Args {
			// An event of htmx, such as an end of waiting, is the page's to tell of.
			if e.Type == runtime.ConsoleAPICalledTypeError && !strings.HasPrefix(string(said.Value), `"htmx:`) {
				b.troubles = append(b.troubles, fmt.Sprintf("it said %s%s", said.Value, said.Description))
			}
		}
	case *runtime.EventExceptionThrown:
		b.troubles = append(b.troubles, fmt.Sprintf("%s: %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != b.host && u.Host != "" {
			b.troubles = append(b.troubles, "it asked for "+e.Request.URL)
		}
	}
}

func (b *browser) checkNoTrouble() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		b.t.Errorf("the browser: %s", trouble)
	}
}

// patience is for a few steps, on a machine that has much else to do.
const patience = time.Minute

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		shown, _ := chromedp.Run(b, chromedp.Text(chromedp.CSS("body"))) // to say more
		b.t.Fatalf("%v\nthe page shows: %.2000s", err, shown)
	}
}

func ask[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// The reference shows the whole contract, sends what is tried out to this service, and fits a phone and the dark.
func TestReferenceIsReadAndTriedOut(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	b := browse(t, p)
	if b == nil {
		return
	}
	const create = "#operations-Commands-createUser "
	b.do(chromedp.Navigate(p.url+"/docs"), chromedp.Click(chromedp.CSS(create+".opblock-summary-control")), chromedp.Click(chromedp.CSS(create+".execute")),
		chromedp.WaitVisible(chromedp.CSS(create+".live-responses-table .response-col_status")))
	if shown := ask(b, chromedp.Text(chromedp.CSS(create+".live-responses-table tbody"))); !strings.Contains(shown, "201") {
		t.Errorf("what was tried out was answered with %s", shown)
	}
	operations := ask(b, chromedp.Evaluate[int](`document.querySelectorAll('.opblock').length`))
	if want := strings.Count(read(t, "openapi.yaml"), "operationId:"); operations != want {
		t.Errorf("%d operations are shown, of %d", operations, want)
	}
	if found := p.must(200, "GET", "/v1/users?email=ada.byron@example.com", "").body["data"].([]any); len(found) != 1 {
		t.Errorf("the user was not created: %v", found)
	}
	b.darken()
	b.do(chromedp.WaitReady(chromedp.CSS("html.dark-mode")))
	b.do(chromedp.Emulate(device.IPhone13), chromedp.Navigate(p.url+"/docs"), chromedp.WaitVisible(chromedp.CSS(create)))
	if wide := ask(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); wide > 0 {
		t.Errorf("on a phone the page is %d pixels wider than the screen", wide)
	}
}

func (b *browser) darken() {
	b.t.Helper()
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if _, err := chromedp.Call(b, emulation.SetEmulatedMedia, dark); err != nil {
		b.t.Fatal(err)
	}
}
