// A detector's precision, recall and F1 by the score from which boxes are shown. A click chooses a score.

import { draw, lines, readJson } from "../core/charts.js";
import { t } from "../core/words.js";

function show() {
  const element = document.querySelector("[data-threshold-curve]");
  const rows = readJson("threshold-data");
  if (!element || !rows) return;
  const names = [t("precision"), t("recall"), "F1"];
  const series = names.map((name, index) => ({
    name,
    mark: index + 1,
    points: rows.filter((row) => row[index + 1] !== null).map((row) => [row[0], 100 * row[index + 1]]),
  }));
  const stepWords = (score) => t("score {score} %", { score: Math.round(score) });
  const field = document.querySelector("[data-threshold-form] input[type=number]");
  const choose = field && ((score) => { field.value = Math.round(score); });
  draw(element, lines({ title: t("By score, %"), series, stepWords, choose }));
}

show();
// The section is replaced when a stage has been measured.
document.addEventListener("htmx:afterSettle", show);
