// On the form of a clone: which fields are other than in the run it is cloned from.

const place = document.querySelector("[data-changes]");
const form = place?.closest("form");

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") {
    // A list in which nothing is chosen by default shows its first entry.
    const standard = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, standard);
  }
  return field.value !== field.defaultValue;
}

function title(field) {
  const legend = field.closest("fieldset")?.querySelector("legend");
  const label = field.closest(".choice") ? legend : form.querySelector(`label[for="${field.id}"]`);
  return label?.textContent.trim().replace(/^\d+ · /, "");  // the steps of the form are numbered
}

function show() {
  const fields = [...form.elements].filter((field) => field.name && field.type !== "hidden" && isChanged(field));
  const titles = [...new Set(fields.map(title).filter(Boolean))];
  place.textContent = titles.length ? `${place.dataset.some} ${titles.join(", ")}` : place.dataset.none;
}

if (form) {
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  show();
}
