// One file on its way to the server, by tus: it can be paused, goes on by itself after a broken connection,
// and, when the same file is chosen again, after a reload. tus-js-client (vendored) speaks the protocol.

import { t } from "../core/words.js";

const RETRY_DELAYS = [0, 1000, 2000, 3000, 5000, 5000, 10000, 10000, 20000, 30000];
const RATE_SECONDS = 8;

// What another try cannot mend: signed out, refused, gone, too large, no room.
function worthRetrying(error) {
  const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
  return status === 409 || status === 423 || status === 460 || status < 400 || (status >= 500 && status !== 507);
}

function sentenceOf(error) {
  const body = error.originalResponse?.getBody();
  try { return JSON.parse(body).detail; } catch { /* no answer, or not one of ours */ }
  const status = error.originalResponse?.getStatus();
  return status ? t("The server refused it (status {status}).", { status }) : t("The connection broke; what arrived is kept.");
}

export class Sending {
  // purpose: what the file is for; the same file for another purpose is another upload.
  // chunk: bytes in one request, what the server keeps as one piece.
  constructor(file, { endpoint, chunk, token, metadata = {}, purpose = "", changed }) {
    this.file = file;
    this.changed = changed;
    this.state = "waiting"; // waiting, receiving, paused, broken, received
    this.sent = 0;
    this.problem = "";
    this.samples = [];
    this.endpoint = endpoint;
    // By it the server finds the upload again, also for another browser. Not kept in the browser: what was
    // written there just before it was killed is lost.
    this.fingerprint = [file.name, file.size, file.lastModified, file.digest ?? "", purpose].join("|");
    this.upload = new window.tus.Upload(file, {
      endpoint,
      chunkSize: chunk,
      retryDelays: RETRY_DELAYS,
      storeFingerprintForResuming: false,
      headers: { "X-CSRFToken": token },
      metadata: { filename: file.name, fingerprint: this.fingerprint, ...metadata },
      onShouldRetry: worthRetrying,
      onProgress: (sent) => this.progress(sent),
      onSuccess: () => this.end("received"),
      onError: (error) => this.end("broken", sentenceOf(error)),
    });
    this.done = new Promise((resolve) => { this.resolve = resolve; });
  }

  get id() { return this.upload.url?.split("/").filter(Boolean).pop() ?? ""; }

  async start() {
    this.problem = "";
    this.samples = [];
    this.move("receiving");
    if (!this.upload.url) await this.findAgain();
    if (this.state === "receiving") this.upload.start();
  }

  async findAgain() {
    try {
      const answer = await fetch(`${this.endpoint}?fingerprint=${encodeURIComponent(this.fingerprint)}`);
      const [previous] = (await answer.json()).results;
      if (previous) this.upload.url = `${this.endpoint}${previous.id}/`;
    } catch { /* then it begins anew */ }
  }

  pause() {
    this.move("paused");
    this.upload.abort();
  }

  // Stop, and let the server forget what it has.
  async discard() {
    this.state = "discarded";
    this.resolve(this);
    try { await this.upload.abort(true); } catch { /* it expires by itself */ }
  }

  progress(sent) {
    if (this.state !== "receiving") return;
    const now = Date.now() / 1000;
    this.sent = sent;
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && this.samples[0][0] < now - RATE_SECONDS) this.samples.shift();
    this.changed(this);
  }

  // Bytes a second over the last seconds; 0 while that cannot be said.
  get rate() {
    const [first] = this.samples, last = this.samples.at(-1);
    return first && last[0] - first[0] > 0.5 ? Math.max(0, (last[1] - first[1]) / (last[0] - first[0])) : 0;
  }

  move(state) {
    this.state = state;
    this.changed(this);
  }

  end(state, problem = "") {
    if (this.state === "discarded") return;
    this.problem = problem;
    if (state === "received") this.sent = this.file.size;
    this.move(state);
    if (state === "received") this.resolve(this);
  }
}
