// Sends a form that holds files with a progress bar. Without this module the form is sent as it is.
// Archives go ahead by themselves, see datasets/form.js, which calls sendForm at the end.

import { duration } from "./page.js";
import { t } from "./words.js";

const MB = 1024 * 1024;

function show(form, text, done, total) {
  const box = form.querySelector("[data-upload-progress]");
  box.hidden = false;
  box.querySelector("[data-upload-text]").textContent = text;
  const bar = box.querySelector("progress");
  if (total) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
}

function tooLarge(form) {
  const most = Number(form.dataset.uploadMax);
  for (const input of form.querySelectorAll("input[type=file]")) {
    for (const file of input.files) if (most && file.size > most) return { input, file, most };
  }
  return null;
}

// The answer is the same form with its refusals: put it in place, but keep the files that were chosen.
function replaceForm(form, text) {
  const answer = new DOMParser().parseFromString(text, "text/html").querySelector("form[data-upload]");
  if (!answer) return false;
  for (const input of form.querySelectorAll("input[type=file]")) {
    const twin = answer.querySelector(`input[type=file][name="${input.name}"]`);
    if (twin) { input.className = twin.className; twin.replaceWith(input); }
  }
  form.replaceWith(answer);
  if (!("resumable" in answer.dataset)) start(answer);
  document.dispatchEvent(new CustomEvent("slipway:form", { detail: answer }));
  answer.querySelector(".is-invalid, .alert")?.scrollIntoView({ block: "center" });
  return true;
}

export function sendForm(form, submitter, data = new FormData(form)) {
  const request = new XMLHttpRequest();
  const began = Date.now();
  request.open("POST", form.getAttribute("action") || location.href);
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    const seconds = (Date.now() - began) / 1000;
    const left = event.loaded ? (seconds * (event.total - event.loaded)) / event.loaded : 0;
    const places = {
      done: (event.loaded / MB).toFixed(1), all: (event.total / MB).toFixed(1), time: duration(left),
    };
    const text = event.loaded < event.total
      ? t("{done} of {all} MB, about {time} left", places) : t("{done} of {all} MB: uploaded, being stored", places);
    show(form, text, event.loaded, event.total);
  });
  const failed = (sentence) => {
    show(form, sentence, 0, 1);
    submitter.disabled = false;
  };
  request.addEventListener("load", () => {
    if (request.status === 200) location.assign(request.responseURL);
    else if (request.status === 422 && replaceForm(form, request.responseText)) return;
    else failed(t("The server refused it (status {status}). Nothing was started; try again.", { status: request.status }));
  });
  request.addEventListener("error", () => failed(t("The connection broke. Nothing was started; try again.")));
  submitter.disabled = true;
  show(form, t("Sending…"), 0, 0);
  request.send(data);
}

function start(form) {
  form.addEventListener("submit", (event) => {
    const inputs = [...form.querySelectorAll("input[type=file]")];
    if (!inputs.some((input) => input.files.length)) return;
    event.preventDefault();
    const large = tooLarge(form);
    if (large) {
      const size = (large.file.size / MB).toFixed(0), most = (large.most / MB).toFixed(0);
      const places = { name: large.file.name, size, most };
      show(form, t("{name} has {size} MB; this server takes at most {most} MB.", places), 0, 1);
      large.input.focus();
      return;
    }
    sendForm(form, event.submitter || form.querySelector("button:not([type=button])"));
  });
}

for (const form of document.querySelectorAll("form[data-upload]:not([data-resumable])")) start(form);
