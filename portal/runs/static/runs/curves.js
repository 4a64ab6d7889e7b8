// The curves of a training: follows the job's metrics while it runs, then stops.

import { draw, lines, readJson } from "../core/charts.js";
import { t } from "../core/words.js";

const EVERY_MS = 1500;
const CHARTS = readJson("charts-data");  // as the run's task has them

class Curves {
  constructor(url) {
    this.url = url;
    this.after = 0;
    this.points = {};
    this.iteration = 0;
  }

  add(rows) {
    for (const [id, name, step, value] of rows) {
      this.after = id;
      // Validation counts epochs: its point stands at the last training step seen before it.
      if (name.startsWith("train/")) this.iteration = Math.max(this.iteration, step);
      const x = name.startsWith("val/") ? this.iteration : step;
      (this.points[name] ||= []).push([x, value]);
    }
  }

  show() {
    for (const element of document.querySelectorAll("[data-curve]")) {
      const kind = CHARTS[element.dataset.curve];
      const known = kind.lines.filter(([name]) => this.points[name]?.length);
      if (known.length) draw(element, this.chart(kind, known));
    }
  }

  chart({ title, factor }, known) {
    const series = known.map(([name, label], index) => ({
      name: label, mark: index + 1, dots: name.startsWith("val/"),
      points: this.points[name].map(([x, value]) => [x, value * factor]),
    }));
    return lines({ title, series, stepWords: (number) => t("step {number}", { number }) });
  }
}

let curves = null;
let timer = null;
let asking = false;

// One question at a time: two answers to the same one would draw the curves twice.
async function poll() {
  if (asking) return;
  asking = true;
  timer = null;
  try {
    await ask();
  } finally {
    asking = false;
  }
}

async function ask() {
  const source = document.querySelector("[data-metrics-url]");
  const url = source?.dataset.metricsUrl, section = document.getElementById("curves");
  if (!url || !section) return;  // an imported model was not trained here
  if (curves?.url !== url) curves = new Curves(url);
  const current = curves;
  let finished = false;
  if (section.open && !document.hidden) {
    try {
      const answer = await fetch(`${url}?after=${current.after}`, { headers: { Accept: "application/json" } });
      if (answer.ok && current === curves) {
        const data = await answer.json();
        current.add(data.points);
        if (data.points.length) current.show();
        finished = data.finished;
      }
    } catch { /* the next poll tries again */ }
  } else if (source.dataset.metricsFinal === "yes") return;  // nothing new will come; asked when opened
  if (!finished) timer = setTimeout(poll, EVERY_MS);
}

const wake = () => { if (timer === null) poll(); };
document.getElementById("curves")?.addEventListener("toggle", wake);
document.addEventListener("visibilitychange", wake);
// A retry is another job: the live part then names another address.
document.addEventListener("htmx:afterSettle", () => {
  const url = document.querySelector("[data-metrics-url]")?.dataset.metricsUrl;
  if (url && curves?.url !== url) wake();
});
poll();
