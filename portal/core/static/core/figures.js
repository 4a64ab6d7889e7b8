// Charts of finished figures: confusion matrix, bars, images per class. Data stands in the page as JSON.

import { axis, base, draw, readJson } from "./charts.js";
import { t } from "./words.js";

// Every name as far as there is room for it: cut short rather than left out.
function labels(colours, element, count) {
  const width = Math.max(16, element.clientWidth / (count + 2) - 6);
  return { color: colours.soft, interval: count <= 24 ? 0 : "auto", width, overflow: "truncate", ellipsis: "…" };
}

function heatMap(element, data) {
  const names = data.names;
  const cells = [];
  let most = 1;
  data.matrix.forEach((row, truth) => row.forEach((count, answer) => {
    if (!count) return;
    cells.push([answer, truth, count]);
    most = Math.max(most, count);
  }));
  const short = (name) => (name.length > 14 ? `${name.slice(0, 13)}…` : name);
  draw(element, (colours) => ({
    ...base(colours),
    grid: { left: 8, right: 8, top: 8, bottom: 24, containLabel: true },
    tooltip: {
      ...base(colours).tooltip,
      formatter: ({ data: [answer, truth, count] }) =>
        (truth === answer
          ? t("{truth} recognised: {count}", { truth: names[truth], count })
          : t("{truth} taken for {answer}: {count}", { truth: names[truth], answer: names[answer], count })),
    },
    xAxis: { type: "category", data: names.map(short), name: t("answer"), nameLocation: "middle", nameGap: 26,
      ...axis(colours, { splitLine: { show: false }, axisLabel: labels(colours, element, names.length) }) },
    yAxis: { type: "category", data: names.map(short), inverse: true, ...axis(colours, { splitLine: { show: false } }) },
    visualMap: { show: false, min: 0, max: most, dimension: 2, inRange: { color: [colours.low, colours.accent] } },
    series: [{
      type: "heatmap", data: cells.map(([x, y, count]) => ({
        value: [x, y, count],
        // A mistake is drawn in its own colour: one among hundreds of right answers must be seen.
        itemStyle: x === y ? {} : { color: colours.bad, opacity: 0.75 + 0.25 * Math.min(1, count / 5) },
        label: { color: x !== y ? "#fff" : count > most / 2 ? colours.panel : colours.text },
      })),
      label: { show: names.length <= 20 }, itemStyle: { borderColor: colours.line, borderWidth: 1 },
    }],
  }));
}

function bars(element, data) {
  draw(element, (colours) => ({
    ...base(colours),
    color: [colours.accent],
    grid: { left: 8, right: 48, top: 8, bottom: 8, containLabel: true },
    xAxis: { type: "value", ...axis(colours) },
    yAxis: { type: "category", inverse: true, data: data.map((row) => row[0]), ...axis(colours, { splitLine: { show: false } }) },
    series: [{ type: "bar", data: data.map((row) => row[1]), label: { show: true, position: "right", color: colours.soft } }],
  }));
}

function counts(element, data) {
  draw(element, (colours) => ({
    ...base(colours),
    color: [colours.accent, colours.second],
    legend: { right: 0, top: 0, textStyle: { color: colours.soft }, itemHeight: 8 },
    grid: { left: 8, right: 8, top: 30, bottom: 8, containLabel: true },
    tooltip: { ...base(colours).tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: { type: "category", data: data.map((row) => row.name), ...axis(colours, { splitLine: { show: false }, axisLabel: labels(colours, element, data.length) }) },
    yAxis: { type: "value", minInterval: 1, ...axis(colours) },
    dataZoom: data.length > 40 ? [{ type: "inside" }, { type: "slider", height: 16, bottom: 0 }] : [],
    series: [[t("training"), "train"], [t("validation"), "val"]].map(([name, key]) => ({
      name, type: "bar", stack: "images", data: data.map((row) => row[key]),
    })),
  }));
}

function histogram(element, data) {
  draw(element, (colours) => ({
    ...base(colours),
    color: [colours.accent],
    grid: { left: 4, right: 8, top: 8, bottom: 4, containLabel: true },
    tooltip: { ...base(colours).tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: { type: "category", data: data.map((row) => row[0]), ...axis(colours, { splitLine: { show: false } }) },
    yAxis: { type: "value", minInterval: 1, splitNumber: 3, ...axis(colours) },
    series: [{ type: "bar", data: data.map((row) => row[1]), barCategoryGap: "10%" }],
  }));
}

const KINDS = { heatmap: heatMap, bars, counts, histogram };

// A chart in a closed section has no size yet: it is drawn when it can first be seen.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    KINDS[entry.target.dataset.chart](entry.target, readJson(entry.target.dataset.source));
  }
});

function watch() {
  for (const element of document.querySelectorAll("[data-chart]:not([data-watched])")) {
    element.dataset.watched = "";
    seen.observe(element);
  }
}
watch();
document.addEventListener("htmx:afterSettle", watch);
