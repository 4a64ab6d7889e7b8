// The curves of several runs over each other. Lines differ by colour and by their dashes.

import { draw, lines, readJson } from "../core/charts.js";

function chart({ dataset }, runs, names) {
  const factor = "share" in dataset ? 100 : 1;
  const series = runs.map((points, index) => ({
    name: names[index], mark: index + 1, points: points.map(([step, value]) => [step, value * factor]),
  }));
  return lines({ title: dataset.title, series: series.filter(({ points }) => points.length) });
}

async function show(place) {
  const answer = await fetch(place.dataset.compare, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const curves = await answer.json();
  const names = readJson(place.dataset.names);
  for (const element of place.querySelectorAll("[data-curve]")) {
    const runs = curves[element.dataset.curve];
    if (runs.some((points) => points.length)) draw(element, chart(element, runs, names));
  }
}

for (const place of document.querySelectorAll("[data-compare]")) show(place);
