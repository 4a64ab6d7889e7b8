// Shows in the fields under "More" what the chosen preset would put there.

import { t } from "../core/words.js";

const KEYS = ["epochs", "batch_size", "learning_rate", "seed", "calibration_images", "board_images"];

function show() {
  const presets = JSON.parse(document.getElementById("presets-data").textContent);
  const chosen = presets[document.querySelector("input[name=preset]:checked")?.value || "fast"];
  if (!chosen) return;
  for (const key of KEYS) {
    const input = document.getElementById(`id_${key}`);
    if (input) input.placeholder = chosen[key];
  }
  const named = (name, text) => {
    const option = document.querySelector(`#id_${name} option[value=""]`);
    if (option) option.textContent = t("As the preset: {value}", { value: text });
  };
  named("recipe", chosen.recipe_title);
  named("input_size", chosen.input_size.join(" × "));
  named("augmentation", chosen.augmentation_title);
  if ("pretrained" in chosen) named("pretrained", chosen.pretrained ? t("use them") : t("do not use them"));
}

// Another dataset: its presets, with what fits it, what they would take and which one is suggested.
async function follow(version) {
  const answer = await fetch(`?version=${encodeURIComponent(version)}`, { credentials: "same-origin" });
  const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("presets");
  if (!fresh || document.getElementById("id_dataset_version").value !== version) return;
  document.getElementById("presets").replaceWith(document.adoptNode(fresh));
  show();
}

document.addEventListener("change", ({ target }) => {
  if (target.name === "preset") show();
  if (target.name === "dataset_version" && target.value && location.pathname.endsWith("/new/")) follow(target.value);
});
// A browser that goes back puts the choice back after this module has run.
window.addEventListener("pageshow", show);
document.addEventListener("slipway:form", show);
show();
