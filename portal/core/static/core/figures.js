// Charts of finished figures: bars, images per class. Data stands in the page as JSON.

import { bars, columns, draw, readJson } from "./charts.js";
import { t } from "./words.js";

// Images per class, by split; a version without a test split has no bars for it.
function counts(data) {
  const tested = data.some(({ test }) => test);
  const rows = data.map(({ name, train, val, test }) => ({ name, values: tested ? [train, val, test] : [train, val] }));
  return columns(rows, [t("training"), t("validation"), ...(tested ? [t("test")] : [])]);
}

const KINDS = {
  bars,
  counts,
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
