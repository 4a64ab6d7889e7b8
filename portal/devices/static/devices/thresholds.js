// Hides boxes below the chosen score, and those that overlap a surer one of their class too much.

import { count, t } from "../core/words.js";

function overlap(one, other) {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (one.width * one.height + other.width * other.height - width * height);
}

function read(item) {
  const [x, y, width, height] = item.dataset.box.split(" ").map(Number);
  return { x, y, width, height, score: Number(item.dataset.score), name: item.querySelector(".found-name").textContent };
}

function words(number) {
  return count(number, t("{count} box", { count: number }), t("{count} boxes", { count: number }));
}

function filter(picture, score, most) {
  const drawn = picture.querySelectorAll(".box");
  const kept = [];
  picture.querySelectorAll(".found li").forEach((item, number) => {
    const box = read(item);
    const shown = box.score >= score && kept.every((other) => other.name !== box.name || overlap(box, other) <= most);
    if (shown) kept.push(box);
    item.toggleAttribute("hidden", !shown);
    drawn[number].toggleAttribute("hidden", !shown);
  });
  picture.querySelector("[data-count]").textContent = words(kept.length);
}

function apply(form) {
  const wanted = Object.fromEntries(new FormData(form));
  for (const input of form.querySelectorAll("input")) {
    input.nextElementSibling.value = `${Math.round(100 * input.value)} %`;
  }
  for (const picture of form.parentElement.querySelectorAll("[data-detected]")) {
    filter(picture, Number(wanted.score), Number(wanted.overlap));
  }
  const link = form.querySelector("[data-coco]");
  link.href = `${link.href.split("?")[0]}?${new URLSearchParams(wanted)}`;
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("[data-thresholds]");
  if (form) apply(form);
});
