// The boxes of one image, with undo and redo, and their way to the server. No drawing here.
// A box is [class id, left, top, width, height] in pixels of the image, to a hundredth.

import { t } from "../core/words.js";

const RETRY_MS = 2000;
const SLOWEST_MS = 20000;

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class Boxes {
  constructor(rows, { width, height }, changed) {
    Object.assign(this, { rows, width, height, changed, selected: -1, past: [], future: [] });
  }

  // Inside the image, at least a pixel large; null for what is too small to be meant.
  settled([classId, left, top, width, height]) {
    const round = (value) => Math.round(value * 100) / 100;
    const x = Math.max(0, Math.min(left, left + width)), y = Math.max(0, Math.min(top, top + height));
    const right = Math.min(this.width, Math.max(left, left + width)), bottom = Math.min(this.height, Math.max(top, top + height));
    const box = [classId, round(x), round(y), round(right - x), round(bottom - y)];
    return box[3] >= 1 && box[4] >= 1 ? box : null;
  }

  replace(rows, selected = -1) {
    if (!same(rows, this.rows)) {
      this.past.push(this.rows);
      this.future = [];
      this.rows = rows;
    }
    this.selected = selected;
    this.changed();
  }

  add(box) {
    const settled = this.settled(box);
    if (settled) this.replace([...this.rows, settled], this.rows.length);
  }

  put(number, box) {
    const settled = this.settled(box);
    this.replace(settled ? this.rows.map((row, n) => (n === number ? settled : row)) : [...this.rows], number);
  }

  relabel(number, classId) { this.put(number, [classId, ...this.rows[number].slice(1)]); }
  remove(number) { this.replace(this.rows.filter((row, n) => n !== number), Math.min(number, this.rows.length - 2)); }
  select(number) { this.selected = number; this.changed(); }

  undo() { this.#go(this.past, this.future); }
  redo() { this.#go(this.future, this.past); }

  #go(from, to) {
    if (!from.length) return;
    to.push(this.rows);
    this.rows = from.pop();
    this.selected = -1;
    this.changed();
  }
}

// Sends what stands, one request at a time. The server is told which boxes they replace, so that what another
// window saved meanwhile is not overwritten.
export class Saving {
  constructor(address, token, known, told, differ) {
    Object.assign(this, { address, token, known, told, differ, wanted: known, running: null, stopped: false, meant: false });
  }

  get isDirty() { return this.meant || !same(this.wanted, this.known); }

  // Sends the boxes even if they are those that the server knows: an image without any was looked at.
  confirm(rows) {
    this.meant = true;
    return this.want(rows);
  }

  want(rows) {
    this.wanted = rows;
    this.running ??= this.#run().finally(() => { this.running = null; });
    return this.running;
  }

  async #run() {
    if (!this.isDirty) return;
    while (this.isDirty && !this.stopped) {
      const rows = this.wanted;
      this.told("saving", t("Saving…"));
      const { status, body } = await this.#send(rows);
      if (status === 200) {
        if (this.wanted === rows) this.wanted = body.boxes;
        this.known = body.boxes;
        this.meant = false;
      } else if (status === 409) {
        this.stopped = true;
        this.told("refused", body.detail);
        this.differ(body.boxes);
      } else if (body?.detail) {
        this.stopped = true;
        this.told("refused", body.detail);
      } else {
        this.told("refused", t("Not saved: the server does not answer. Trying again."));
        await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
      }
    }
    if (!this.isDirty) this.told("saved", t("Saved"));
  }

  async #send(rows) {
    try {
      const answer = await fetch(this.address, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
        body: JSON.stringify({ boxes: rows, expected: this.known }),
        signal: AbortSignal.timeout(SLOWEST_MS),
      });
      const isJson = answer.headers.get("Content-Type")?.includes("json");
      return { status: answer.status, body: isJson ? await answer.json() : null };
    } catch {
      return { status: 0, body: null };
    }
  }

  // After a person has looked at the boxes of another window.
  goOn(known) { Object.assign(this, { known, stopped: false }); }
}
