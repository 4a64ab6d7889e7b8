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
  named("augmentation", chosen.augmentation);
  if ("pretrained" in chosen) named("pretrained", chosen.pretrained ? t("pretrained weights") : t("nothing"));
}

document.addEventListener("change", (event) => { if (event.target.name === "preset") show(); });
document.addEventListener("slipway:form", show);
show();
