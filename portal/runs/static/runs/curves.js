// The curves of a training: follows the job's metrics while it runs, then stops.

import { axis, base, draw, readJson } from "../core/charts.js";
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
      (this.points[name] ||= []).push([x, value, step]);
    }
  }

  show() {
    for (const element of document.querySelectorAll("[data-curve]")) {
      const kind = CHARTS[element.dataset.curve];
      const lines = kind.lines.filter(([name]) => this.points[name]?.length);
      if (lines.length) draw(element, (colours) => this.options(kind, lines, colours));
    }
  }

  options(kind, lines, colours) {
    const { factor } = kind;
    return {
      ...base(colours),
      color: [colours.accent, colours.second],
      grid: { left: 8, right: 16, top: 40, bottom: 4, containLabel: true },
      legend: { show: lines.length > 1, right: 0, top: 0, textStyle: { color: colours.soft }, itemHeight: 8 },
      title: { text: kind.title, left: 4, top: 2, padding: 0, textStyle: { color: colours.text, fontSize: 13, fontWeight: 600 } },
      tooltip: {
        ...base(colours).tooltip, trigger: "axis",
        formatter: (items) => [t("step {number}", { number: items[0].data[0] }), ...items.map((item) =>
          `${item.seriesName}: ${Number(item.data[1].toPrecision(5))}`)].join("\n"),
      },
      xAxis: { type: "value", max: "dataMax", ...axis(colours, { splitLine: { show: false } }) },
      yAxis: { type: "value", scale: true, ...axis(colours) },
      series: lines.map(([name, label]) => ({
        name: label, type: "line", sampling: "lttb", lineStyle: { width: 2 },
        showSymbol: name.startsWith("val/"), symbolSize: 6,
        data: this.points[name].map(([x, value, step]) => [x, value * factor, step]),
      })),
    };
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
  const url = source?.dataset.metricsUrl;
  if (!url) return;
  if (curves?.url !== url) curves = new Curves(url);
  const current = curves;
  let finished = false;
  if (document.getElementById("curves").open && !document.hidden) {
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
