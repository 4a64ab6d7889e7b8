// The curves of several runs over each other. Lines differ by colour and by their dashes.

import { axis, base, draw, readJson } from "../core/charts.js";

const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3], [2, 2], [12, 4]];

function colour(index) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--sw-mark-${index + 1}`).trim();
}

function options(element, runs, names, colours) {
  const factor = "share" in element.dataset ? 100 : 1;
  const lines = runs.map((points, index) => ({ points, index })).filter(({ points }) => points.length);
  return {
    ...base(colours),
    grid: { left: 8, right: 16, top: 40, bottom: 4, containLabel: true },
    title: {
      text: element.dataset.title, left: 4, top: 2, padding: 0,
      textStyle: { color: colours.text, fontSize: 13, fontWeight: 600 },
    },
    tooltip: {
      ...base(colours).tooltip, trigger: "axis",
      formatter: (items) => [items[0].data[0], ...items.map((item) =>
        `${item.seriesName}: ${Number(item.data[1].toPrecision(5))}`)].join("\n"),
    },
    xAxis: { type: "value", max: "dataMax", ...axis(colours, { splitLine: { show: false } }) },
    yAxis: { type: "value", scale: true, ...axis(colours) },
    series: lines.map(({ points, index }) => ({
      name: names[index], type: "line", showSymbol: points.length < 2, symbolSize: 6,
      itemStyle: { color: colour(index) },
      lineStyle: { width: 2, color: colour(index), type: DASHES[index] },
      data: points.map(([step, value]) => [step, value * factor]),
    })),
  };
}

async function show(place) {
  const answer = await fetch(place.dataset.compare, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const curves = await answer.json();
  const names = readJson(place.dataset.names);
  for (const element of place.querySelectorAll("[data-curve]")) {
    const runs = curves[element.dataset.curve];
    if (runs.some((points) => points.length)) {
      draw(element, (colours) => options(element, runs, names, colours));
    }
  }
}

for (const place of document.querySelectorAll("[data-compare]")) show(place);
