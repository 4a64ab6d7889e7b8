// Charts of finished figures: bars, images per class. Data stands in the page as JSON.

import { bars, columns, draw, readJson } from "./charts.js";
import { t } from "./words.js";

const KINDS = {
  bars,
  counts: (data) => columns(data.map(({ name, train, val }) => ({ name, values: [train, val] })), [t("training"), t("validation")]),
  histogram: (data) => columns(data.map(([name, count]) => ({ name: String(name), values: [count] })), []),
};

function show() {
  for (const element of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
    element.dataset.drawn = "";
    draw(element, KINDS[element.dataset.chart](readJson(element.dataset.source)));
  }
}
show();
document.addEventListener("htmx:afterSettle", show);
