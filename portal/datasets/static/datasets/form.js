// Forms that take an archive: the file goes ahead by tus, then the form is sent with the upload's id.
// Several files become a dataset each, named after its file. Without this module the form sends its file.

import { duration } from "../core/page.js";
import { sendForm } from "../core/upload.js";
import { t } from "../core/words.js";
import { droppedFiles, pickedFolder } from "./folder.js";
import { Sending } from "./sending.js";

const MB = 1024 * 1024;
const ASK_MS = 2000;
const WORDS = {
  waiting: t("Waiting"), receiving: t("Receiving"), paused: t("Paused"), broken: t("Interrupted"),
  received: t("Received"), extracting: t("Extracting"), checking: t("Checking"),
  review: t("Needs review"), ready: t("Ready"), refused: t("Refused"),
};
const FINAL = ["review", "ready", "refused", "expired"];

function megabytes(bytes) { return bytes < MB ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / MB).toFixed(1)} MB`; }

function figures(sending) {
  const { file, sent, rate, state } = sending;
  if (state === "waiting") return megabytes(file.size);
  const parts = [t("{done} of {all}", { done: megabytes(sent), all: megabytes(file.size) })];
  if (state === "receiving" && rate) {
    parts.push(`${megabytes(rate)}/s`, t("about {time} left", { time: duration((file.size - sent) / rate) }));
  }
  return parts.join(" · ");
}

class Row {
  constructor(owner, file) {
    this.owner = owner;
    this.file = file;
    this.sending = null;
    this.left = false;
    this.item = owner.template.content.firstElementChild.cloneNode(true);
    this.part("name").textContent = file.name;
    this.part("pause").addEventListener("click", () => this.turn());
    this.part("drop-file").addEventListener("click", () => this.leaveOut());
    owner.list.append(this.item);
    this.show({ state: "waiting", file, sent: 0, rate: 0, problem: "" });
  }

  part(name) { return this.item.querySelector(`[data-${name}]`); }

  show(sending) {
    this.state = sending.state;
    this.item.dataset.fileState = sending.state;
    this.part("state").textContent = WORDS[sending.state] ?? sending.state;
    this.part("figures").textContent = figures(sending);
    this.part("problem").textContent = sending.problem;
    const bar = this.item.querySelector("progress");
    bar.max = this.file.size || 1;
    bar.value = this.file.size ? sending.sent : Number(sending.state === "received");
    const pause = this.part("pause");
    pause.hidden = !["receiving", "paused", "broken"].includes(sending.state);
    pause.textContent = sending.state === "receiving" ? t("Pause") : t("Go on");
    this.part("drop-file").hidden = ["received", ...FINAL].includes(sending.state);
  }

  turn() { if (this.sending.state === "receiving") this.sending.pause(); else this.sending.start(); }

  leaveOut() {
    this.left = true;
    this.sending?.discard();
    this.item.remove();
    this.owner.removed(this);
  }

  // Resolves once the file is received, or left out.
  async send(metadata, purpose) {
    if (this.sending?.state === "received") return;
    const { endpoint, chunk, token } = this.owner;
    this.sending = new Sending(this.file, {
      endpoint, chunk, token, metadata, purpose, changed: (sending) => this.show(sending),
    });
    this.sending.start();
    await this.sending.done;
  }

  // Follows the check of a file that became a dataset by itself.
  async follow() {
    for (;;) {
      const answer = await fetch(`${this.owner.endpoint}${this.sending.id}/`);
      if (!answer.ok) return;
      const { state, message, dataset_version: version } = await answer.json();
      this.show({ ...this.sending, rate: 0, state, problem: message, file: this.file });
      if (version) {
        const link = this.part("result");
        link.href = this.owner.versionUrl.replace("/0/", `/${version}/`);
        link.hidden = false;
      }
      if (FINAL.includes(state)) return;
      await new Promise((resolve) => { setTimeout(resolve, ASK_MS); });
    }
  }
}

class ArchiveForm {
  constructor(form) {
    this.form = form;
    this.box = form.querySelector("[data-sending]");
    this.list = this.box.querySelector("[data-sendings]");
    this.template = this.box.querySelector("template");
    this.endpoint = this.box.dataset.endpoint;
    this.chunk = Number(this.box.dataset.chunk);
    this.versionUrl = this.box.dataset.versionUrl;
    this.token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    this.received = form.querySelector("input[name=received]");
    this.input = form.querySelector("input[type=file][name]");
    this.several = "several" in form.dataset;
    this.rows = [];
    this.busy = false;
    this.gone = new AbortController(); // the file input outlives this form, see upload.js
    this.box.hidden = false;
    this.input.multiple = this.several;
    this.keepTyped();
    this.listen();
    if (this.input.files.length) this.take([...this.input.files], true);
  }

  // A reload in the middle of an upload leaves the name as it was typed.
  keepTyped() {
    for (const field of this.form.querySelectorAll("input[name=name], input[name=upload_name]")) {
      const key = `typed ${location.pathname} ${field.name}`;
      if (!field.value) field.value = sessionStorage.getItem(key) ?? "";
      const keep = () => sessionStorage.setItem(key, field.value);
      field.addEventListener("input", keep, { signal: this.gone.signal });
    }
  }

  forgetTyped() {
    for (const name of ["name", "upload_name"]) sessionStorage.removeItem(`typed ${location.pathname} ${name}`);
  }

  listen() {
    const drop = this.box.querySelector("[data-drop]"), folder = this.box.querySelector("[data-folder]");
    this.input.addEventListener("change", () => this.take([...this.input.files]), { signal: this.gone.signal });
    this.box.querySelector("[data-pick-folder]").addEventListener("click", () => folder.click());
    folder.addEventListener("change", () => { if (folder.files.length) this.pack(pickedFolder(folder.files, this.packed)); });
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("drop-over"); });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("drop-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("drop-over");
      this.pack(droppedFiles(event.dataTransfer, this.packed));
    });
    this.form.addEventListener("submit", (event) => {
      if (!this.rows.length && !this.received.value) {
        this.forgetTyped();
        return;
      }
      event.preventDefault();
      if (!this.busy) this.submit(event.submitter || this.form.querySelector("button:not([type=button])"));
    });
  }

  packed = (done, all) => this.note(t("Reading the folder: {done} of {all} files", { done, all }));

  note(text) { this.box.querySelector("[data-sending-note]").textContent = text; }

  async pack(promise) {
    this.note(t("Reading the folder…"));
    try {
      const files = [await promise].flat();
      this.input.value = "";
      this.note("");
      this.take(files);
    } catch (error) { this.note(error.message); }
  }

  // again: the form came back with its refusals, and its file may have been received already.
  take(files, again = false) {
    if (this.busy) return;
    for (const row of this.rows) row.item.remove();
    this.rows = [];
    if (!again) this.received.value = "";
    const most = Number(this.form.dataset.uploadMax);
    const large = files.find((file) => file.size > most);
    if (large) {
      const places = { name: large.name, size: megabytes(large.size), most: megabytes(most) };
      this.note(t("{name} has {size}; at most {most} can be uploaded now.", places));
      this.input.value = "";
      return;
    }
    if (files.length > 1 && !this.several) {
      this.note(t("Choose one zip or one folder for a run."));
      return;
    }
    if (again && this.received.value) { this.note(t("{name} is received.", { name: files[0].name })); return; }
    this.rows = files.map((file) => new Row(this, file));
    this.note(files.length > 1 ? t("Each becomes a dataset of its own, named after its file.") : "");
    this.nameIt(files);
  }

  nameIt(files) {
    const name = this.form.querySelector("input[name=name]");
    if (!this.several || !name) return;
    name.required = files.length < 2;
    if (files.length === 1 && !name.value) name.value = files[0].name.replace(/(\.tar)?\.[^.]*$/, "");
  }

  removed(row) {
    this.rows = this.rows.filter((other) => other !== row);
    if (!this.rows.length) this.input.value = "";
  }

  async submit(submitter) {
    this.busy = submitter.disabled = true;
    if (this.rows.length > 1) await this.sendAll();
    else if (!this.rows.length || await this.sendOne()) this.sendForm(submitter);
    this.busy = submitter.disabled = false;
  }

  async sendOne() {
    const [row] = this.rows;
    await row.send({}, "form");
    if (!row.left) this.received.value = row.sending.id;
    return !row.left;
  }

  sendForm(submitter) {
    const data = new FormData(this.form);
    data.delete(this.input.name);
    this.forgetTyped();
    sendForm(this.form, submitter, data);
  }

  // One after the other: together they would not be faster.
  async sendAll() {
    const options = this.options(), following = [];
    for (const row of [...this.rows]) {
      const dataset = row.file.name.replace(/(\.tar)?\.[^.]*$/, "").slice(0, 120);
      await row.send({ dataset, ...options }, `dataset ${dataset}`);
      if (!row.left) following.push(row.follow());
    }
    this.input.value = "";
    await Promise.all(following);
  }

  options() {
    const value = (name) => this.form.querySelector(`[name=${name}]`)?.value.trim() ?? "";
    const fraction = (name) => (Number(value(name)) ? String(Number(value(name)) / 100) : "");
    const found = { review: "true", val_fraction: fraction("val_percent"), test_fraction: fraction("test_percent") };
    for (const name of ["class_count", "class_names", "layout", "split", "split_group", "seed", "mode"]) found[name] = value(name);
    return Object.fromEntries(Object.entries(found).filter(([, text]) => text));
  }
}

let current = null;

function start(form) {
  current?.gone.abort();
  current = new ArchiveForm(form);
}

for (const form of document.querySelectorAll("form[data-resumable]")) start(form);
document.addEventListener("slipway:form", ({ detail }) => { if ("resumable" in detail.dataset) start(detail); });
