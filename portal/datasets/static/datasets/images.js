// Keys in the grid of images and on the page of one image. Everything they do is a button or a link, too.

const grid = document.querySelector("[data-grid]");
const zoom = document.querySelector("[data-zoom]");
const help = document.getElementById("keys");
const form = document.getElementById("edit");
let waiting = Promise.resolve();

const shots = () => [...grid.querySelectorAll("[data-image]")];
const chosen = () => [...grid.querySelectorAll('input[name="image"]:checked')];
const current = () => document.activeElement?.closest?.("[data-image]");

function focusShot(shot) {
  if (!shot) return;
  for (const other of shots()) other.tabIndex = -1;
  shot.tabIndex = 0;
  shot.focus();
}

function columns() {
  const all = shots(), top = all[0].offsetTop;
  const next = all.findIndex((shot) => shot.offsetTop > top);
  return next < 0 ? all.length : next;
}

// Along the grid; over its end to the next page.
function move(steps) {
  const all = shots(), here = all.indexOf(current());
  const target = here < 0 ? 0 : here + steps;
  if (target >= all.length && steps > 0) document.querySelector('a[rel="next"]')?.click();
  else if (target < 0 && here === 0) document.querySelector('a[rel="prev"]')?.click();
  focusShot(all[Math.max(0, Math.min(all.length - 1, target))]);
}

function showChosen() {
  const count = document.querySelector("[data-chosen-count]");
  if (count) count.textContent = chosen().length ? `(${chosen().length})` : "";
}

// The answer is the whole page anew: take over what differs and leave the pictures alone.
function takeOver(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const state = page.getElementById("edit-state");
  if (!state) return location.reload();
  for (const shot of shots()) {
    const now = page.getElementById(shot.id);
    if (!now || now.outerHTML === shot.outerHTML) continue;
    shot.className = now.className;
    for (const part of ["[data-state]", "[data-boxes]"]) {
      const old = shot.querySelector(part), fresh = now.querySelector(part);
      if (old && fresh && old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
    }
  }
  document.getElementById("edit-state").replaceWith(state);
  const labelled = page.getElementById("labelled");
  if (labelled) document.getElementById("labelled")?.replaceWith(labelled);
  return undefined;
}

async function send(data) {
  const answer = await fetch(location.href.split("#")[0], { method: "POST", body: data, credentials: "same-origin" });
  if (answer.ok || answer.status === 422) {
    takeOver(await answer.text());
    return answer.ok;
  }
  location.reload();
  return false;
}

// One after the other, in the order of the keys. What is chosen counts when the key is pressed.
function act(name, fields = {}) {
  const data = new FormData(form);
  const one = chosen().length ? null : current();
  if (one) data.append("image", one.dataset.image);
  data.set("act", name);
  for (const [key, value] of Object.entries(fields)) data.set(key, value);
  const whole = data.get("scope") === "all";
  waiting = waiting.then(() => send(data)).then((done) => {
    if (!done || name === "undo" || name === "redo") return;
    for (const box of chosen()) box.checked = false;
    if (whole) form.elements.scope.value = "chosen";
    showChosen();
  });
  if (one && name === "relabel") move(1);
}

function press(name, value) {
  const select = form?.elements.class_id;
  if (value !== undefined && select) select.value = value;
  (document.querySelector(`[data-proposal] button[value="${name}"]`) ?? form?.querySelector(`button[value="${name}"]:not(:disabled)`))?.click();
}

const keyed = (key) => [...(form?.elements.class_id?.options || [])].find((option) => option.dataset.key === key);
const ACTS = { t: "to-train", v: "to-val", e: "to-test", u: "undo", r: "redo", a: "accept", q: "reject", Delete: "remove", Backspace: "remove" };

function gridKey(key) {
  if (key === "j" || key === "ArrowRight") move(1);
  else if (key === "k" || key === "ArrowLeft") move(-1);
  else if (key === "ArrowDown") move(columns());
  else if (key === "ArrowUp") move(-columns());
  else if (key === "Enter") {
    if (!current() || document.activeElement !== current()) return false;
    current().querySelector("[data-open]").click();
  } else if (key === "Escape") {
    for (const box of chosen()) box.checked = false;
    showChosen();
  } else if (!form) return false;
  else if (key === "x") {
    const box = current()?.querySelector('input[name="image"]');
    if (box) box.click();
  } else if (ACTS[key]) act(ACTS[key], { scope: "chosen" });
  else if (keyed(key) && form.elements.from_class === undefined) act("relabel", { class_id: keyed(key).value, scope: "chosen" });
  else return false;
  return true;
}

function zoomKey(key) {
  if (key === "j" || key === "ArrowRight") document.querySelector('a[rel="next"]')?.click();
  else if (key === "k" || key === "ArrowLeft") document.querySelector('a[rel="prev"]')?.click();
  else if (key === "n") document.querySelector("[data-unlabelled]")?.click();
  else if (key === "Escape") document.querySelector("[data-back]")?.click();
  else if (ACTS[key]) press(ACTS[key]);
  else if (keyed(key)) press("relabel", keyed(key).value);
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
  const typing = event.target.closest("select, textarea, input:not([type=checkbox]):not([type=radio])");
  if (typing) return;
  if (event.key === "?") help?.showModal();
  else if (grid ? !gridKey(event.key) : !zoom || !zoomKey(event.key)) return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}

if (grid) {
  for (const shot of shots()) shot.tabIndex = -1;
  const first = location.hash.startsWith("#image-") ? document.getElementById(location.hash.slice(1)) : null;
  if (first) focusShot(first);
  else if (shots()[0]) shots()[0].tabIndex = 0;
  grid.addEventListener("change", showChosen);
  showChosen();
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.submitter.value);
  });
  const tools = form?.querySelector("details");
  if (tools && matchMedia("(max-width: 767px)").matches) tools.open = false;
}
