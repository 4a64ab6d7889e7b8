// Drawing boxes on the page of an image: the canvas, the list of boxes beside it, keys and the way to the server.

import { t } from "../core/words.js";
import { Boxes, Saving } from "./boxes.js";
import { Canvas } from "./canvas.js";

const state = JSON.parse(document.getElementById("drawing").textContent);
const find = (name) => document.querySelector(`[data-${name}]`);
const list = find("box-list"), told = find("saved"), differ = find("differ"), template = find("box-row");
const classes = new Map(state.classes.map((one) => [one.id, { ...one, color: colourOf(one.colour) }]));

// The colours are those of the style sheet.
function colourOf(number) {
  const probe = document.createElement("i");
  probe.className = `box-${number}`;
  document.body.append(probe);
  const parts = getComputedStyle(probe).color.match(/\d+/g).slice(0, 3);
  probe.remove();
  return parts.reduce((found, part) => found + Number(part).toString(16).padStart(2, "0"), "#");
}

const ROWS = 50; // of the list at once: an image can have thousands of boxes
const pages = find("box-pages");
let first = 0, shownFor = -1;
let begun = false;
const boxes = new Boxes(state.proposed ?? state.boxes, state, changed);
const saving = new Saving(state.save, document.querySelector("[name=csrfmiddlewaretoken]").value, state.boxes, tell, showOthers);
const canvas = new Canvas(find("annotate"), document.getElementById("photo"), boxes, classes, {
  select: (number) => boxes.select(number),
  add: (place) => boxes.add([chosenClass(), ...place]),
  put: (number, place) => boxes.put(number, [boxes.rows[number][0], ...place]),
});

function chosenClass() {
  return Number(document.querySelector("[name=new-class]:checked")?.value ?? state.classes[0].id);
}

function changed() {
  canvas.draw();
  showList();
  find("undo").disabled = !boxes.past.length;
  find("redo").disabled = !boxes.future.length;
  save();
}

// A proposal that nobody has touched is not saved: the person accepts it, or corrects it.
function save() {
  begun ||= boxes.rows !== state.proposed;
  return begun ? saving.want(boxes.rows) : Promise.resolve();
}

function tell(kind, text) {
  told.textContent = text;
  told.dataset.kind = kind;
  if (kind === "saved") {
    find("version").hidden = false;
    find("proposal")?.remove();
  }
}

function showList() {
  const focused = list.contains(document.activeElement) ? document.activeElement.closest("[data-number]")?.dataset.number : null;
  if (boxes.selected !== shownFor && boxes.selected >= 0) first = boxes.selected - boxes.selected % ROWS;
  shownFor = boxes.selected;
  first = Math.max(0, Math.min(first, boxes.rows.length - 1 - (boxes.rows.length - 1) % ROWS));
  list.start = first + 1;
  list.replaceChildren(...boxes.rows.slice(first, first + ROWS).map((box, place) => row(box, first + place)));
  find("no-boxes").hidden = boxes.rows.length > 0;
  showPages();
  if (focused !== null) list.querySelector(`[data-number="${Math.min(focused, boxes.rows.length - 1)}"] select`)?.focus({ preventScroll: true });
  const current = list.querySelector("[aria-current]");
  if (current) list.scrollTop = Math.max(current.offsetTop + current.offsetHeight - list.clientHeight, Math.min(list.scrollTop, current.offsetTop));
}

function showPages() {
  pages.hidden = boxes.rows.length <= ROWS;
  find("boxes-shown").textContent = t("{first} to {last} of {total}", { first: first + 1, last: Math.min(first + ROWS, boxes.rows.length), total: boxes.rows.length });
  find("boxes-before").disabled = first === 0;
  find("boxes-after").disabled = first + ROWS >= boxes.rows.length;
}

function turn(step) {
  first += step;
  showList();
  list.scrollTop = 0;
}

function row([classId], number) {
  const item = template.content.cloneNode(true).firstElementChild, select = item.querySelector("select");
  item.dataset.number = number;
  if (number === boxes.selected) item.setAttribute("aria-current", "true");
  item.querySelector(".swatch").classList.add(`box-${classes.get(classId)?.colour ?? 0}`);
  select.value = classId;
  select.setAttribute("aria-label", t("Class of box {number}", { number: number + 1 }));
  select.addEventListener("change", () => boxes.relabel(number, Number(select.value)));
  item.addEventListener("click", (event) => { if (!event.target.closest("button") && !event.target.closest("select")) boxes.select(number); });
  const remove = item.querySelector("button");
  remove.setAttribute("aria-label", t("Remove box {number}", { number: number + 1 }));
  remove.addEventListener("click", () => boxes.remove(number));
  return item;
}

// Another window saved other boxes: nothing of either is lost before a person has chosen.
function showOthers(theirs) {
  differ.hidden = false;
  const decide = (rows) => {
    differ.hidden = true;
    saving.goOn(theirs);
    boxes.replace(rows);
  };
  find("keep-mine").onclick = () => decide(boxes.rows);
  find("take-theirs").onclick = () => decide(theirs);
}

const mode = (name) => {
  canvas.setMode(name);
  canvas.draw();
  for (const button of document.querySelectorAll("[data-mode-button]")) button.setAttribute("aria-pressed", button.value === name);
};

async function follow(link) {
  if (!link) return;
  await save();
  if (!saving.isDirty) location.href = link.href;
}

async function leaveEmpty() {
  if (boxes.rows.length || !find("nothing")) return;
  await saving.confirm(boxes.rows);
  if (saving.isDirty) return;
  if (find("unlabelled")) location.href = find("unlabelled").href;
  else location.reload();
}

const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// With Shift an arrow moves the right or lower edge; with Ctrl ten pixels at once.
function nudge(event, [x, y]) {
  const step = event.ctrlKey || event.metaKey ? 10 : 1, [classId, left, top, width, height] = boxes.rows[boxes.selected];
  const moved = event.shiftKey ? [left, top, width + x * step, height + y * step] : [left + x * step, top + y * step, width, height];
  boxes.put(boxes.selected, [classId, ...moved]);
}

function choose(key) {
  const one = state.classes.find((candidate) => candidate.key === key);
  if (!one) return false;
  document.querySelector(`[name=new-class][value="${one.id}"]`).checked = true;
  if (boxes.selected >= 0) boxes.relabel(boxes.selected, one.id);
  return true;
}

const press = (name) => document.querySelector(`[data-proposal] button[value="${name}"]`)?.click();
const KEYS = {
  a: () => press("accept"), q: () => press("reject"),
  g: leaveEmpty, n: () => follow(find("unlabelled")), b: () => boxes.add([chosenClass(), ...canvas.middle()]),
  u: () => boxes.undo(), r: () => boxes.redo(), "+": () => canvas.zoomIn(), "-": () => canvas.zoomOut(), 0: () => canvas.showWhole(),
  d: () => mode("draw"), m: () => mode("pan"),
};

function key(event) {
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z") { if (event.shiftKey) boxes.redo(); else boxes.undo(); return true; }
  if (control && event.key.toLowerCase() === "y") { boxes.redo(); return true; }
  if (boxes.selected >= 0) {
    if (NUDGES[event.key]) { nudge(event, NUDGES[event.key]); return true; }
    if (event.key === "Delete" || event.key === "Backspace") { boxes.remove(boxes.selected); return true; }
    if (event.key === "Escape") { boxes.select(-1); return true; }
  }
  if (control || event.altKey) return false;
  if (choose(event.key)) return true;
  if (event.key === "Tab" || !KEYS[event.key]) return false;
  KEYS[event.key]();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("select, textarea, input:not([type=checkbox]):not([type=radio])") || document.querySelector("dialog[open]")) return;
  if (!key(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

for (const [name, act] of Object.entries({ undo: KEYS.u, redo: KEYS.r, "zoom-in": KEYS["+"], "zoom-out": KEYS["-"], "zoom-all": KEYS[0], "add-box": KEYS.b })) {
  find(name).addEventListener("click", act);
}
find("nothing")?.addEventListener("click", leaveEmpty);
find("boxes-before").addEventListener("click", () => turn(-ROWS));
find("boxes-after").addEventListener("click", () => turn(ROWS));
for (const button of document.querySelectorAll("[data-mode-button]")) button.addEventListener("click", () => mode(button.value));
list.addEventListener("focusin", (event) => {
  const number = Number(event.target.closest("[data-number]")?.dataset.number ?? -1);
  if (number !== boxes.selected && number >= 0) boxes.select(number);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || link.target || event.ctrlKey || event.metaKey || !saving.isDirty) return;
  event.preventDefault();
  follow(link);
});
addEventListener("beforeunload", (event) => { if (saving.isDirty) event.preventDefault(); });

for (const element of document.querySelectorAll("[data-with-script]")) element.hidden = false;
for (const element of document.querySelectorAll("[data-without-script]")) element.remove();
mode("draw");
canvas.fit();
showList();
