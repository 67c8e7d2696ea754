// Every page works without this script. With it, pages update themselves, and keys work.
"use strict";

const content = document.getElementById("content");
const live = document.getElementById("live");
// In the language of the page.
const texts = document.body.dataset;
let paused = false;
let loading = false;
let loadAgain = false;

const help = document.getElementById("help");

document.documentElement.classList.add("js");

// Open details stay open when the page is replaced, and the focus stays where it is.
async function refresh(isWanted = false) {
  if (loading) { loadAgain = true; return; }
  loading = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!paused) {
      const isStill = !isWanted && isReading();
      showNews(isStill ? countNew(fresh) : 0);
      if (!isStill) {
        keepOpen(fresh);
        replace("content", fresh);
        fold();
      }
      replace("footer", fresh);
    }
  } catch {
    // The console has ended; the event stream reports it.
  }
  loading = false;
  if (loadAgain) { loadAgain = false; setTimeout(refresh, 1000); }
}

// The page may have been changed by this script since it was received.
const received = new Map(["content", "footer"].map((id) => [id, document.getElementById(id)?.innerHTML]));

function replace(id, fresh) {
  const old = document.getElementById(id);
  const next = fresh.getElementById(id);
  if (!old || !next || received.get(id) === next.innerHTML) return;
  received.set(id, next.innerHTML);
  const focused = old.contains(document.activeElement) ? selectorOf(document.activeElement) : null;
  const scrolled = old.querySelector("aside")?.scrollTop;
  old.replaceChildren(...next.childNodes);
  showTimes(old);
  if (focused) old.querySelector(focused)?.focus({ preventScroll: true });
  const aside = old.querySelector("aside");
  if (aside && scrolled) aside.scrollTop = scrolled;
}

// Times are sent in UTC. Local time is shown if it was chosen; the choice is kept for all pages.
function isLocal() { return localStorage.getItem("time") === "local"; }

// The offset from UTC, such as +09:00.
function offsetOf(date) {
  const minutes = Math.abs(date.getTimezoneOffset());
  const digits = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0"));
  return (date.getTimezoneOffset() > 0 ? "-" : "+") + digits.join(":");
}

// In the form of the text, which is a part of RFC 3339.
function localTime(utc, text) {
  const date = new Date(utc);
  const shifted = new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 23);
  if (text.length === 24) return shifted + offsetOf(date);
  return shifted.slice(11, 11 + text.length);
}

function showTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    time.dataset.utc ??= time.textContent;
    time.textContent = isLocal() ? localTime(time.dateTime, time.dataset.utc) : time.dataset.utc;
  }
  const zone = isLocal() ? `UTC${offsetOf(new Date())}` : "UTC";
  for (const name of part.querySelectorAll(".zone")) name.textContent = zone;
  document.getElementById("zone").textContent = texts.zone.replace("{zone}", zone);
}

function changeZone() {
  localStorage.setItem("time", isLocal() ? "utc" : "local");
  showTimes(document);
}

document.getElementById("zone").hidden = false;
document.getElementById("zone").addEventListener("click", changeZone);
showTimes(document);

// A list that somebody reads must not move.
function isReading() {
  const list = content.querySelector("[data-still]");
  return list !== null && (scrollY > 0 || list.matches(":hover") || list.contains(document.activeElement)
    || list.querySelector("details[open]") !== null);
}

function keys(page) { return [...page.querySelectorAll("[data-still] [data-key]")].map((item) => item.dataset.key); }

function countNew(fresh) {
  const shown = new Set(keys(content));
  return keys(fresh).filter((key) => !shown.has(key)).length;
}

function showNews(count) {
  let news = document.getElementById("news");
  if (count === 0) { news?.remove(); return; }
  if (!news) {
    news = document.createElement("p");
    news.id = "news";
    news.role = "status";
    const button = document.createElement("button");
    button.addEventListener("click", () => { scrollTo(0, 0); refresh(true); });
    news.append(button);
    content.before(news);
  }
  news.firstChild.textContent = texts.news.replace("{n}", count < 100 ? count : "100+");
}

// The spans whose children are hidden. They stay so when another span is opened.
const saved = JSON.parse(sessionStorage.getItem("folded") ?? "{}");
const folded = new Set(saved.path === location.pathname ? saved.spans : []);

function spanRows() { return [...content.querySelectorAll(".waterfall tbody tr")]; }

function levelOf(row) { return Number(row.dataset.level); }

function fold() {
  let level = Infinity;
  for (const row of spanRows()) {
    if (levelOf(row) <= level) level = Infinity;
    row.hidden = levelOf(row) > level;
    const isFolded = folded.has(row.dataset.span);
    row.querySelector(".fold")?.setAttribute("aria-expanded", String(!isFolded));
    if (isFolded && !row.hidden) level = levelOf(row);
  }
}

function changeFolded(change) {
  change();
  sessionStorage.setItem("folded", JSON.stringify({ path: location.pathname, spans: [...folded] }));
  fold();
}

// The ancestors of the selected span are never folded when the page is opened.
function showChosen() {
  const rows = spanRows();
  const chosen = rows.findIndex((row) => row.matches(".chosen"));
  if (chosen < 0) return;
  let level = levelOf(rows[chosen]);
  for (const row of rows.slice(0, chosen).reverse()) {
    if (levelOf(row) < level) {
      level = levelOf(row);
      folded.delete(row.dataset.span);
    }
  }
  fold();
  rows[chosen].scrollIntoView();
  rows[chosen].querySelector("a.row").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest(".fold")?.closest("tr");
  if (row) {
    const span = row.dataset.span;
    changeFolded(() => { if (!folded.delete(span)) folded.add(span); });
  } else if (event.target.id === "unfold-all") {
    changeFolded(() => folded.clear());
  } else if (event.target.id === "fold-all") {
    const parents = spanRows().filter((row) => levelOf(row) > 0 && row.querySelector(".fold"));
    changeFolded(() => parents.forEach((row) => folded.add(row.dataset.span)));
  } else if (event.target.closest(".show-help")) {
    help.showModal();
  }
});
fold();
showChosen();

function selectorOf(element) {
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const details = element.closest("details[data-key]");
  return details ? `details[data-key="${CSS.escape(details.dataset.key)}"] > summary` : element.tagName.toLowerCase();
}

function keepOpen(fresh) {
  for (const details of content.querySelectorAll("details[data-key]")) {
    const same = fresh.querySelector(`details[data-key="${CSS.escape(details.dataset.key)}"]`);
    if (same) same.open = details.open;
  }
}

// A selected text must not vanish before it is copied.
function isSelecting() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && content.contains(selection.anchorNode);
}

const events = new EventSource("/events");
events.addEventListener("change", () => { if (!paused && !isSelecting()) refresh(); });
events.addEventListener("open", () => show(texts.live));
events.addEventListener("error", () => show(texts.disconnected));

function show(text) { live.textContent = paused ? texts.paused : text; }

function rows() { return [...content.querySelectorAll("a.row, details > summary")].filter((row) => row.checkVisibility()); }

function move(by) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.matches("input:not([type=radio]), select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const pages = document.querySelectorAll("nav a");
  if (event.key >= "1" && event.key <= String(pages.length)) pages[event.key - 1].click();
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "n") content.querySelector(".next-error")?.click();
  else if (event.key === "N") content.querySelector(".previous-error")?.click();
  else if (event.key === "p") { paused = !paused; show(texts.live); if (!paused) refresh(); }
  else if (event.key === "u") changeZone();
  else if (event.key === "?") help.showModal();
  else if (event.key === "Escape") content.querySelector(".close a")?.click();
  else if (event.key === "/") {
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    search.focus();
  }
});

// The chosen tab of a chapter is chosen in the next chapter, too, until the browser's tab is closed. A link to a
// section chooses its tab.
function choose(language) {
  for (const button of document.querySelectorAll(".languages input")) {
    if (button.value === language) button.checked = true;
  }
}

function chooseTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const section = target?.closest("[data-language]");
  if (!section) return;
  choose(section.dataset.language);
  target.scrollIntoView();
}

addEventListener("hashchange", chooseTarget);
document.addEventListener("change", (event) => {
  if (event.target.matches(".languages input")) sessionStorage.setItem("language", event.target.value);
});
choose(sessionStorage.getItem("language"));
chooseTarget();
