// What a browser has to do itself: remember the token while the page is open, say which page is shown, step through versions,
// draw lines. Everything else is made on the server, and replaced by htmx.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // The caller, in memory alone.
  const caller = {};
  document.addEventListener("htmx:configRequest", (e) => Object.assign(e.detail.headers, caller));
  document.addEventListener("htmx:historyCacheMiss", (e) =>
    Object.entries(caller).forEach(([name, value]) => e.detail.xhr.setRequestHeader(name, value)));
  const reload = () => htmx.ajax("GET", location.pathname + location.search, { target: "#main", swap: "innerHTML" });
  const letSignIn = () => $$("#sign-in button").forEach((b) => { b.disabled = false; });
  const signedIn = () => { $("#sign-out").hidden = !caller.Authorization; };
  document.addEventListener("submit", (e) => {
    if (e.target.id !== "sign-in") return;
    e.preventDefault();
    caller.Authorization = "Bearer " + e.target.elements.token.value.trim();
    signedIn();
    reload();
  });
  $("#sign-out").addEventListener("click", () => { delete caller.Authorization; signedIn(); reload(); });

  // Light, dark, or as the system has it.
  const themes = ["auto", "light", "dark"];
  const wear = (theme) => {
    document.documentElement.dataset.theme = theme;
    $("#theme").textContent = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[theme];
  };
  $("#theme").addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    localStorage.setItem("theme", next);
    wear(next);
  });
  wear(localStorage.getItem("theme") || "auto");

  // Which page is shown, for eyes and for those who listen.
  const mark = () => $$("header nav a").forEach((a) => {
    if (location.pathname.startsWith(a.pathname)) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  });
  document.addEventListener("htmx:afterSettle", (e) => {
    mark();
    letSignIn();
    if (e.detail.target?.id === "main" && !e.detail.target.contains(document.activeElement)) $("h1")?.focus();
    draw();
  });
  document.addEventListener("htmx:historyRestore", mark);
  mark();
  letSignIn();

  // What is waited for, and is not there any more, is not waited for.
  document.addEventListener("htmx:beforeCleanupElement", (e) => { if (e.target.id === "newer") htmx.trigger(e.target, "htmx:abort"); });

  // Without an answer it is said, and what waits for events asks again.
  document.addEventListener("htmx:sendError", (e) => {
    $("#offline").hidden = false;
    if (e.target.id === "newer") setTimeout(() => htmx.trigger(e.target, "again"), 2000);
  });
  document.addEventListener("htmx:afterOnLoad", () => { $("#offline").hidden = true; });

  // The time machine: buttons move the slider, which asks for its version.
  document.addEventListener("click", (e) => {
    const to = e.target.closest("[data-step]")?.dataset.step;
    if (!to) return;
    const slider = $("#version");
    const at = { first: 1, last: slider.max, back: slider.value - 1, on: +slider.value + 1 }[to] ?? to;
    slider.value = at;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.addEventListener("input", (e) => {
    if (e.target.id === "version") $("#at").textContent = e.target.value;
  });

  // Lines of the last five minutes, of numbers that the server puts beside them.
  const seen = {};
  const kept = 300;
  const remember = (name, value) => {
    const line = (seen[name] ??= []);
    line.push(value);
    if (line.length > kept) line.shift();
  };
  const draw = () => $$("svg[data-line]").forEach((svg) => {
    const line = seen[svg.dataset.line] || [];
    const most = Math.max(1, ...line);
    const points = line.map((value, i) => `${(300 - line.length + i).toFixed(0)},${(38 - 36 * value / most).toFixed(1)}`);
    $("polyline", svg).setAttribute("points", points.join(" "));
    $("title", svg).textContent = `${svg.dataset.says}: now ${line.at(-1) ?? "unknown"}, at most ${most} in ${line.length} looks`;
  });
  document.addEventListener("htmx:afterSwap", () => $$("[data-seen]").forEach((e) => {
    if (e.seen) return;
    e.seen = true;
    remember(e.dataset.seen, +e.dataset.value);
  }));
})();
