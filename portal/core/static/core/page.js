// What every page has: the theme switch, times in the reader's zone, counters of elapsed time.

import { count, t } from "./words.js";

const exact = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "medium", timeStyle: "medium" });

function dressTimes(root) {
  for (const time of root.querySelectorAll("time.ago[datetime]")) {
    time.title = exact.format(new Date(time.dateTime));
  }
}

export function duration(seconds) {
  if (seconds < 10) return t("{seconds} s", { seconds: seconds.toFixed(1) });
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
  if (hours) return t("{hours} h {minutes} min", { hours, minutes: minutes % 60 });
  if (minutes) return t("{minutes} min {seconds} s", { minutes, seconds: whole % 60 });
  return t("{seconds} s", { seconds: whole });
}

// The same words as the filter ``ago`` of the templates.
function ago(seconds) {
  if (seconds < 10) return t("just now");
  if (seconds < 60) return t("{number} seconds ago", { number: Math.floor(seconds / 10) * 10 });
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days) return count(days, t("{number} day ago", { number: days }), t("{number} days ago", { number: days }));
  if (hours) return count(hours, t("{number} hour ago", { number: hours }), t("{number} hours ago", { number: hours }));
  return count(minutes, t("{number} minute ago", { number: minutes }), t("{number} minutes ago", { number: minutes }));
}

function tick() {
  for (const time of document.querySelectorAll("time.ago[datetime]")) {
    const text = ago((Date.now() - new Date(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
  for (const part of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, (Date.now() - new Date(part.dataset.since)) / 1000);
    const text = duration(seconds < 10 ? Math.floor(seconds) : seconds).replace(/\.0(?=\D)/, "");
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
  for (const menu of document.querySelectorAll("details:is(.bar-user, .ask)[open]")) {
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
// Without the server a page that follows its work stands still: say so until the server answers again.
const offline = document.querySelector("[data-offline]");
const setOffline = (is) => { if (offline) offline.hidden = !is; };
addEventListener("offline", () => setOffline(true));
addEventListener("online", () => setOffline(false));
document.addEventListener("htmx:sendError", () => setOffline(true));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.xhr.status) setOffline(false); });
// A section that is named in the address is opened, so that links to it show it.
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}
openTarget();
addEventListener("hashchange", openTarget);

// A picture of few pixels is shown with sharp edges: an 8 × 8 digit is not a blurred photo.
const FEW = 64;
const sharpen = (image) => {
  if (image.matches?.(".thumbs img, .answer img") && Math.max(image.naturalWidth, image.naturalHeight) <= FEW) image.classList.add("pixels");
};
document.addEventListener("load", (event) => sharpen(event.target), true);
document.querySelectorAll("img").forEach((image) => image.complete && image.naturalWidth && sharpen(image));
