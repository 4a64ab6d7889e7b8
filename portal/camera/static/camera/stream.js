// The frames of a device's camera: reads its stream, starts it where that is allowed, and takes it up again.

import { t } from "../core/words.js";

const AGAIN_MS = [500, 1000, 2000, 4000];
const LONGEST = 16 * 1024 * 1024; // bytes of a message

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Calls ``take(fields, image)`` for each message of the stream; only the newest of those that came at once.
async function read(body, take) {
  const reader = body.getReader();
  let kept = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(kept.length + value.length);
    joined.set(kept);
    joined.set(value, kept.length);
    kept = joined;
    let newest = null;
    for (;;) {
      if (kept.length < 4) break;
      const size = new DataView(kept.buffer, kept.byteOffset).getUint32(0);
      if (size > LONGEST) throw new RangeError(size);
      if (kept.length < 4 + size) break;
      newest = kept.slice(4, 4 + size);
      kept = kept.subarray(4 + size);
    }
    if (newest) take(...unpack(newest));
  }
}

function unpack(message) {
  const size = new DataView(message.buffer).getUint32(0);
  const fields = JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + size)));
  return [fields, message.subarray(4 + size)];
}

export class DeviceStream {
  // urls: stream, state and, for whoever may start it, start. frame: called with each frame's fields and Blob.
  // note: called with a sentence while there are no frames, and with "" when they come. failed: called once
  // the view has failed; the stream then only looks, until somebody starts the view again.
  constructor(urls, token, { frame, note, failed = () => {} }) {
    Object.assign(this, { urls, token, frame, note, failed });
  }

  start() {
    this.hasFailed = false;
    if (this.running) return;
    this.running = true;
    this.loop();
  }

  stop() {
    this.running = false;
    this.abort?.abort();
  }

  async loop() {
    for (let failures = 0; this.running; failures += 1) {
      try {
        if (await this.begin()) await this.follow(() => { failures = 0; });
      } catch {
        if (this.running) this.note(t("The server does not answer; trying again."));
      }
      if (this.running) await wait(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]);
    }
  }

  // Start the stream, or see whether it runs; false if there is nothing to follow.
  async begin() {
    const { start, state } = this.urls;
    const answer = start && !this.hasFailed
      ? await fetch(start, { method: "POST", headers: { "X-CSRFToken": this.token } })
      : await fetch(state);
    if (!answer.ok) throw new Error(answer.status);
    return this.tell(await answer.json());
  }

  tell({ active, sentence }) {
    this.note(sentence);
    return active;
  }

  async follow(came) {
    this.abort = new AbortController();
    const answer = await fetch(this.urls.stream, { signal: this.abort.signal });
    if (!answer.ok) throw new Error(answer.status);
    this.live = false;
    const looking = setInterval(() => this.look(), 1500);
    try {
      await read(answer.body, (fields, image) => {
        if (fields.type === "ended") this.abort.abort();
        if (fields.type !== "frame") return;
        came();
        if (!this.live) this.note("");
        this.live = true;
        this.hasFailed = false;
        this.frame(fields, new Blob([image], { type: "image/jpeg" }));
      });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      clearInterval(looking);
    }
    if (this.running) await this.ended();
  }

  // While no frame has come: what it waits for, or why it failed.
  async look() {
    if (this.live) return;
    const state = await fetch(this.urls.state).then((answer) => answer.json()).catch(() => null);
    if (!state || this.live) return;
    if (!this.tell(state)) this.abort.abort();
  }

  // A stream that failed is not started again at once: the reason stays readable.
  async ended() {
    await wait(1000);
    const state = await fetch(this.urls.state).then((answer) => answer.json());
    this.note(state.sentence);
    if (!state.failed) return;
    this.hasFailed = true;
    this.failed(state.sentence);
  }
}
