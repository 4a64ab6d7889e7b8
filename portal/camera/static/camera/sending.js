// Sends images one after the other. Each has a key, so one that is sent again after a cut link is stored once.

import { t } from "../core/words.js";

const MOST_WAITING = 200; // images held in the page
const DELAYS = [500, 1000, 2000, 4000, 8000];

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs HTTPS
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sentence(answer) {
  try {
    const body = await answer.json();
    return Object.values(body.errors ?? {})[0]?.[0] ?? body.detail;
  } catch {
    return t("The server refused it (status {status}).", { status: answer.status });
  }
}

const worthRetrying = (status) => status === 408 || status === 429 || (status >= 500 && status !== 507);

export class Outbox {
  // changed: called when the numbers change; stored: with each image that the server has.
  constructor(url, token, { changed, stored }) {
    Object.assign(this, { url, token, changed, stored, waiting: [], done: 0, problem: "" });
  }

  get isFull() { return this.waiting.length >= MOST_WAITING; }

  put(image) {
    this.waiting.push({ key: newKey(), ...image });
    this.changed();
    if (!this.running) this.running = this.run().finally(() => { this.running = null; });
  }

  async run() {
    let failures = 0;
    while (this.waiting.length) {
      const answer = await this.send(this.waiting[0]).catch(() => null);
      if (answer?.ok) {
        failures = 0;
        this.waiting.shift();
        this.done += 1;
        this.problem = "";
        this.stored(await answer.json());
      } else if (answer && !worthRetrying(answer.status)) {
        this.waiting.length = 0; // the reason is the same for the others
        this.problem = await sentence(answer);
      } else {
        this.problem = t("The server does not answer. The images wait here and are sent again.");
        this.changed();
        await new Promise((resolve) => { setTimeout(resolve, DELAYS[Math.min(failures, DELAYS.length - 1)]); });
        failures += 1;
      }
      this.changed();
    }
  }

  send({ key, blob, className, origin }) {
    const form = new FormData();
    form.append("image", blob, "image.jpg");
    form.append("key", key);
    if (className) form.append("class_name", className);
    if (origin) form.append("origin", origin);
    return fetch(this.url, { method: "POST", body: form, headers: { "X-CSRFToken": this.token } });
  }
}
