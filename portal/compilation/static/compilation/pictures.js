// Pictures of variants and layers: accuracy against cost, cycles and errors from input to output.

import { columns, draw, lines, readJson, shortNumber, ticks } from "../core/charts.js";
import { t } from "../core/words.js";

const AXES = {
  cycles: { title: () => t("Cycles, million"), told: (cycles) => shortNumber(cycles / 1e6) },
  memory: { title: () => t("Memory, KB"), told: (bytes) => shortNumber(Math.round(bytes / 1024)) },
  size: { title: () => t("Size, KB"), told: (bytes) => shortNumber(Math.round(bytes / 1024)) },
};
const ROOM = 0.06;  // of the width, beside the outermost points

// One point a variant; those that none beats are joined, the chosen one has a ring.
function against(axis, metric, points) {
  return (drawing) => {
    const known = points.filter((point) => point[axis] !== null);
    if (!known.length) return;
    drawing.heading(AXES[axis].title(), []);
    const values = known.map(({ value }) => value), costs = known.map((point) => point[axis]);
    const y = drawing.verticalAxis(Math.min(...values), Math.max(...values));
    const low = Math.min(...costs), span = Math.max(...costs) - low;
    const room = ROOM * (drawing.right - drawing.left);
    const x = (cost) => drawing.left + room + (span ? (cost - low) / span : 0.5) * (drawing.right - drawing.left - 2 * room);
    for (const mark of span ? ticks(low, low + span, 2) : [low]) {
      if (mark >= low && mark <= low + span) drawing.text(AXES[axis].told(mark), x(mark), drawing.bottom + 15, "middle");
    }
    const best = known.filter((point) => point.best.includes(axis)).toSorted((one, other) => one[axis] - other[axis]);
    const path = best.map((point, index) => `${index ? "L" : "M"}${x(point[axis]).toFixed(1)} ${y(point.value).toFixed(1)}`);
    drawing.add("path", { d: path.join(""), class: "line-1" });
    for (const point of known) {
      const at = { cx: x(point[axis]), cy: y(point.value) };
      drawing.add("circle", { ...at, r: 4, class: point.best.includes(axis) ? "dot-1" : "dot-2" });
      if (point.chosen) drawing.add("circle", { ...at, r: 8, class: "line-1" });
    }
    drawing.tip((px, py) => {
      const near = known.find((point) => Math.hypot(x(point[axis]) - px, y(point.value) - py) < 12);
      return near && [`${near.id} ${near.words}`, `${metric}: ${shortNumber(near.value)} %`, `${AXES[axis].title()}: ${AXES[axis].told(near[axis])}`].join("\n");
    });
  };
}

// What is like the float model, from input to output; a layer with a weight that stands out has a dot.
function likeness(rows) {
  const points = (part) => rows.map((row, index) => [index + 1, row[part]]).filter(([, value]) => value !== null);
  const series = [
    { name: t("accumulated"), mark: 1, points: points(1) },
    { name: t("layer alone"), mark: 2, points: points(2) },
  ];
  const marked = rows.map((row, index) => [index + 1, row[2], row[3]]).filter(([, value, stands]) => stands && value !== null);
  if (marked.length) series.push({ name: t("outlier"), mark: 5, points: marked, dots: true, loose: true });
  const stepWords = (step) => `${step} ${rows[step - 1]?.[0] ?? ""}`;
  return lines({ title: "", series, stepWords });
}

function show() {
  for (const element of document.querySelectorAll("[data-points]:not([data-drawn])")) {
    element.dataset.drawn = "";
    draw(element, against(element.dataset.axis, element.dataset.metric, readJson(element.dataset.points)));
  }
  for (const element of document.querySelectorAll("[data-layer-costs]:not([data-drawn])")) {
    element.dataset.drawn = "";
    const rows = readJson(element.dataset.layerCosts);
    draw(element, columns(rows.map(([name, cycles]) => ({ name, label: name.split(" ")[0], values: [cycles] })), []));
  }
  for (const element of document.querySelectorAll("[data-layer-errors]:not([data-drawn])")) {
    element.dataset.drawn = "";
    draw(element, likeness(readJson(element.dataset.layerErrors)));
  }
}
show();
document.addEventListener("htmx:afterSettle", show);
