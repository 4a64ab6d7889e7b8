// Follows a job's log by byte offset until the server says that it is finished.

import { count, t } from "../core/words.js";

const EVERY_MS = 1500;
const CATCH_UP = 400_000;  // an answer this long means that there is more already
const KEEP = 2_000_000;  // characters kept in the page; the whole is a download

class Log {
  constructor(box) {
    this.box = box;
    this.pre = box.querySelector("pre");
    this.search = box.querySelector("[data-log-search]");
    this.found = box.querySelector("[data-log-found]");
    this.chosen = null;
    this.url = null;
    this.timer = null;
    this.search?.addEventListener("input", () => this.render());
    box.addEventListener("click", (event) => this.choose(event));
    box.closest("details")?.addEventListener("toggle", () => this.wake());
    document.addEventListener("visibilitychange", () => this.wake());
    document.addEventListener("htmx:afterSettle", () => this.look());
    this.look();
  }

  tabs() { return [...this.box.querySelectorAll("[data-log-url]")]; }

  // The chosen tab, or else the step that failed, or the one that was started last.
  look() {
    const tabs = this.tabs();
    const tab = tabs.find((one) => one.dataset.logUrl === this.chosen)
      || tabs.find((one) => "logFailed" in one.dataset) || tabs.at(-1);
    for (const one of tabs) one.toggleAttribute("aria-current", one === tab);
    if (tab && tab.dataset.logUrl !== this.url) {
      this.url = tab.dataset.logUrl;
      this.text = "";
      this.offset = 0;
      this.finished = false;
      this.pre.textContent = "";
      this.wake();
    }
  }

  choose(event) {
    const tab = event.target.closest("[data-log-url]");
    if (!tab) return;
    event.preventDefault();
    this.chosen = tab.dataset.logUrl;
    this.look();
  }

  wake() {
    if (this.timer === null && this.url && !this.finished) this.poll();
  }

  async poll() {
    this.timer = 0;
    let much = false;
    const url = this.url;
    const section = this.box.closest("details");
    if (document.hidden || (section && !section.open)) { this.timer = null; return; }
    try {
      const answer = await fetch(`${url}?offset=${this.offset}`);
      const text = await answer.text();
      if (answer.ok && url === this.url && answer.headers.has("X-Offset")) {
        this.offset = Number(answer.headers.get("X-Offset"));
        this.finished = answer.headers.get("X-Finished") === "yes";
        much = text.length > CATCH_UP;
        if (text) this.append(text);
      }
    } catch { /* the next poll tries again */ }
    this.timer = null;
    if (url !== this.url) this.wake();
    else if (!this.finished) this.timer = setTimeout(() => this.poll(), much ? 0 : EVERY_MS);
  }

  append(text) {
    this.text = (this.text + text).slice(-KEEP);
    this.render(text);
  }

  // Tools draw progress bars by returning to the start of the line: keep what stands there last.
  static readable(text) { return text.replace(/[^\n]*\r(?!\n)/g, "").replace(/\x1b\[[0-9;]*m/g, ""); }

  render(added = null) {
    const follows = this.pre.scrollHeight - this.pre.scrollTop - this.pre.clientHeight < 40;
    const wanted = this.search?.value.trim().toLowerCase();
    if (added !== null && !wanted && !added.includes("\r")) this.pre.append(Log.readable(added));
    else this.pre.replaceChildren(...this.lines(wanted));
    if (follows || added === null) this.pre.scrollTop = this.pre.scrollHeight;
  }

  lines(wanted) {
    const text = Log.readable(this.text);
    if (this.found) this.found.textContent = "";
    if (!wanted) return [text];
    const hits = text.split("\n").filter((line) => line.toLowerCase().includes(wanted));
    if (this.found) this.found.textContent = count(
      hits.length, t("{number} line", { number: 1 }), t("{number} lines", { number: hits.length }),
    );
    return hits.slice(-2000).flatMap((line) => {
      const at = line.toLowerCase().indexOf(wanted);
      const mark = document.createElement("mark");
      mark.textContent = line.slice(at, at + wanted.length);
      return [line.slice(0, at), mark, `${line.slice(at + wanted.length)}\n`];
    });
  }
}

for (const box of document.querySelectorAll("[data-log]")) new Log(box);
