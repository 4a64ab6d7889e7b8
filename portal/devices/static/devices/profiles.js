// Fills in what a kind of board brings: its usual address, port and user.

const profiles = JSON.parse(document.getElementById("profiles-data").textContent);
const select = document.getElementById("id_profile");
const FIELDS = { host: "address", port: "port", username: "user" };
// What the form was made for: a quick reader may have chosen before this script was there.
const made = [...select.options].find((option) => option.defaultSelected) ?? select.options[0];
let before = profiles[made.value];

function fill() {
  const chosen = profiles[select.value];
  for (const [name, key] of Object.entries(FIELDS)) {
    const input = document.getElementById(`id_${name}`);
    // What the person has typed stays.
    if (!input.value || input.value === String(before[key] ?? "")) input.value = chosen[key] ?? "";
  }
  document.querySelector("[data-profile-notes]").textContent = chosen.notes;
  document.querySelector("[data-profile-warning]").hidden = !chosen.default_password;
  before = chosen;
}

select.addEventListener("change", fill);
if (profiles[select.value] !== before) fill();
