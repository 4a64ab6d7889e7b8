// Charts of finished figures: bars, images per class. Data stands in the page as JSON.

import { axis, base, draw, readJson } from "./charts.js";
import { t } from "./words.js";

// Every name as far as there is room for it: cut short rather than left out.
function labels(colours, element, count) {
  const width = Math.max(16, element.clientWidth / (count + 2) - 6);
  return { color: colours.soft, interval: count <= 24 ? 0 : "auto", width, overflow: "truncate", ellipsis: "…" };
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

const KINDS = { bars, counts, histogram };

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
