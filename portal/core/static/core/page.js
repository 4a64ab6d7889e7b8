// What every page has: the theme switch, times in the reader's zone, counters of elapsed time.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function dressTimes(root) {
  for (const time of root.querySelectorAll("time.ago[datetime]")) {
    time.title = exact.format(new Date(time.dateTime));
  }
}

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function ago(seconds) {
  if (seconds < 10) return "just now";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return `${Math.floor(seconds / 10) * 10} seconds ago`;
}

function tick() {
  for (const time of document.querySelectorAll("time.ago[datetime]")) {
    const text = ago((Date.now() - new Date(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
  for (const part of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, (Date.now() - new Date(part.dataset.since)) / 1000);
    const text = duration(seconds < 10 ? Math.floor(seconds) : seconds).replace(".0 s", " s");
    if (part.textContent !== text) part.textContent = text;
  }
}

function themeSwitch() {
  const button = document.querySelector("[data-theme-switch]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* then it lasts as long as the page */ }
    document.documentElement.dataset.bsTheme = next;
    document.dispatchEvent(new Event("slipway:theme"));
  });
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.bar-user[open]")) {
    if (event.key === "Escape" || (event.type === "click" && !menu.contains(event.target))) menu.open = false;
  }
}

themeSwitch();
dressTimes(document);
setInterval(tick, 1000);
document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
document.addEventListener("htmx:afterSettle", (event) => dressTimes(event.detail.elt.parentElement || document));
// A poll that was answered by the sign-in page: one is signed out by now, so show that page as a whole.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.responseURL.includes("/sign-in/")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
// A section that is named in the address is opened, so that links to it show it.
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}
openTarget();
addEventListener("hashchange", openTarget);
