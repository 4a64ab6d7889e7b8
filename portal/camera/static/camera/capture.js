// Takes images for a draft: one, or a burst, with the camera of the browser or of a device.

import { count, t } from "../core/words.js";
import { BrowserCamera } from "./browser.js";
import { DeviceCamera } from "./device.js";
import { Outbox } from "./sending.js";

const BUSY = ["input", "select", "textarea", "button", "a", "summary"]; // they have keys of their own
const panel = document.getElementById("camera");
const part = (name, root = panel) => root.querySelector(`[data-${name}]`);

function setUp() {
  const [source, start, stop, stage, note] = ["source", "on", "stop", "stage", "note"].map((name) => part(name));
  const [take, burst, word, state] = ["take", "burst", "burst-word", "report"].map((name) => part(name));
  const outbox = new Outbox(panel.dataset.post, document.querySelector("[name=csrfmiddlewaretoken]").value, { changed: report, stored: show });
  let camera = null, timer = null, left = 0, taking = false;

  function report() {
    const stored = t("stored: {count}", { count: outbox.done });
    const waiting = outbox.waiting.length ? t("sending: {count}", { count: outbox.waiting.length }) : "";
    state.textContent = [outbox.done || waiting ? stored : "", waiting, timer ? t("remaining: {count}", { count: left }) : "", outbox.problem].filter(Boolean).join(" · ");
    if (outbox.problem && !outbox.waiting.length) endBurst();
  }

  function say(text, isOn = Boolean(camera)) {
    note.textContent = text;
    stage.classList.toggle("is-on", isOn);
  }

  function turnOff(text = t("The camera is off.")) {
    endBurst();
    camera?.stop();
    camera = null;
    part("facing").hidden = true;
    start.hidden = false;
    stop.hidden = take.disabled = burst.disabled = true;
    say(text);
  }

  function lenses(found) {
    const list = part("lens");
    list.replaceChildren(...found.map(({ id, label, current }, index) => new Option(label || t("Camera {number}", { number: index + 1 }), id, current, current)));
    part("facing").hidden = found.length < 2;
  }

  async function turnOn(lens) {
    camera?.stop();
    say(t("Starting the camera …"), false);
    const chosen = source.selectedOptions[0].dataset;
    const started = chosen.stream
      ? new DeviceCamera(part("canvas"), chosen, outbox.token, {
        note: (text) => { if (camera === started) say(text, !part("canvas").hidden); },
        ended: (text) => { if (camera === started) turnOff(text); },
      })
      : new BrowserCamera(part("video"), { ended: turnOff, lenses });
    const problem = await started.start(lens);
    if (problem) return turnOff(problem);
    camera = started;
    start.hidden = true;
    stop.hidden = take.disabled = burst.disabled = false;
    say(chosen.stream ? t("Starting the camera …") : "", !chosen.stream);
  }

  async function takeOne() {
    if (!camera || taking || outbox.isFull) return false;
    taking = true;
    try {
      const taken = await camera.take();
      if (!taken) return false;
      outbox.put({ ...taken, className: part("class")?.value.trim() ?? "" });
      return true;
    } finally {
      taking = false;
    }
  }

  function endBurst() {
    clearInterval(timer);
    timer = null;
    word.textContent = t("Start a burst");
    report0();
  }

  function report0() { if (state.textContent) report(); }

  function toggleBurst() {
    if (timer) return endBurst();
    left = Math.max(1, Number(part("count").value) || 1);
    const tick = async () => {
      if (left > 0 && await takeOne()) left -= 1;
      if (left <= 0) endBurst();
      report();
    };
    timer = setInterval(tick, Math.max(50, Number(part("every").value) || 500));
    word.textContent = t("Stop the burst");
    tick();
  }

  function show(image) {
    const tile = document.querySelector("template[data-image]").content.cloneNode(true);
    const drawn = tile.querySelector("img");
    drawn.src = panel.dataset.shown.replace(/\/0\/$/, `/${image.id}/`);
    drawn.alt = t("Image {number}", { number: image.id });
    tile.querySelector("input").value = image.id;
    tile.querySelector("span > span").textContent = image.class_name || "–";
    part("images", document).prepend(tile);
    const total = part("total", document);
    total.dataset.total = Number(total.dataset.total) + 1;
    const number = total.dataset.total;
    total.textContent = count(Number(number), t("{number} image", { number }), t("{number} images", { number }));
    part("none", document).hidden = true;
    part("change", document).hidden = false;
  }

  start.addEventListener("click", () => turnOn());
  stop.addEventListener("click", () => turnOff());
  source.addEventListener("change", () => turnOff());
  part("lens").addEventListener("change", (event) => turnOn(event.target.value));
  take.addEventListener("click", takeOne);
  burst.addEventListener("click", toggleBurst);
  addEventListener("keydown", (event) => {
    if (!camera || event.ctrlKey || event.metaKey || event.altKey || event.target.matches(BUSY.join())) return;
    if (event.key === " ") takeOne();
    else if (event.key.toLowerCase() === "b") toggleBurst();
    else return;
    event.preventDefault();
  });
  addEventListener("beforeunload", (event) => { if (outbox.waiting.length) event.preventDefault(); });
  addEventListener("pagehide", () => camera?.stop());
}

if (panel) setUp();
