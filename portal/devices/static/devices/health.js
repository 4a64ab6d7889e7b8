// Charts of what the checks of a board found: memory, disk, temperature and load.

import { draw, lines, readJson } from "../core/charts.js";

const element = document.getElementById("health-data");
const data = element ? readJson("health-data") : { times: [] };
// The marks below: days if the checks span several, else hours.
const [first, last] = [data.times[0], data.times.at(-1)].map((time) => new Date(time));
const brief = last - first > 86400000 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
const moment = (step) => new Date(data.times[Math.round(step) - 1]).toLocaleString([], brief);
const told = (step) => new Date(data.times[Math.round(step) - 1]).toLocaleString();

for (const chart of document.querySelectorAll("[data-health]")) {
  const values = data[chart.dataset.health].map((value, index) => [index + 1, value]).filter(([, value]) => value !== null);
  if (!values.length) {
    chart.hidden = true;
    continue;
  }
  draw(chart, lines({ title: chart.dataset.title, series: [{ name: chart.dataset.title, mark: 1, points: values }], stepWords: told, axisWords: moment }));
}
