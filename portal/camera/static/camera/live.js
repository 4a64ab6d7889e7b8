// The live page: frames with labels or boxes, the score, the time on the device, and frames a second.

import { t } from "../core/words.js";
import { DeviceStream } from "./stream.js";
import { Viewer } from "./viewer.js";

const panel = document.getElementById("live");
const part = (name) => panel.querySelector(`[data-${name}]`);

function percent(score) {
  return `${(100 * score).toFixed(1)} %`;
}

function answerOf(fields) {
  if (fields.boxes) {
    const [best] = fields.boxes;
    return best ? fields.boxes.slice(0, 8).map(({ label, score }) => `${label} ${percent(score)}`).join(" · ") : t("no boxes");
  }
  return fields.label === undefined ? "" : `${fields.label} ${percent(fields.score)}`;
}

function setUp() {
  const viewer = new Viewer(part("canvas"));
  const times = [];
  let why = "";
  // The reason why the model does not run is known to the server in the reader's language.
  const explain = async ({ black, problem }) => {
    if (problem && !why) {
      why = " ";
      why = (await (await fetch(panel.dataset.state)).json()).sentence;
    }
    const text = black ? t("The camera delivers black images: remove its lens cap and add light.") : problem ? why.trim() : "";
    part("problem").textContent = text;
    part("problem").hidden = !text;
  };
  const show = (fields) => {
    const now = performance.now();
    times.push(now);
    while (times.length && times[0] < now - 2000) times.shift();
    part("answer").textContent = answerOf(fields);
    part("ms").textContent = fields.ms === undefined ? "–" : `${fields.ms.toFixed(1)} ms`;
    part("fps").textContent = times.length < 3 ? "–" : t("{count} a second", { count: ((1000 * (times.length - 1)) / (now - times[0])).toFixed(1) });
    part("size").textContent = `${fields.width} × ${fields.height}`;
    part("camera").textContent = fields.camera;
    part("engine").textContent = fields.engine || "–";
    explain(fields);
  };
  // What was measured before is not true of a camera that is off.
  const clear = () => {
    times.length = 0;
    part("answer").textContent = "";
    part("ms").textContent = part("fps").textContent = "–";
  };
  const toggle = part("toggle");
  const note = (text) => {
    part("note").textContent = text;
    part("stage").classList.toggle("is-on", !part("canvas").hidden);
    if (text) clear();
  };
  const stream = new DeviceStream(panel.dataset, panel.querySelector("[name=csrfmiddlewaretoken]").value, {
    note,
    frame: async (fields, blob) => {
      if (!await viewer.show(fields, blob)) return;
      if (!stream.running || stream.hasFailed) return; // meanwhile, while the image was decoded
      show(fields);
      note("");
      toggle.textContent = t("Pause");
    },
    failed: () => { toggle.textContent = t("Start again"); },
  });
  toggle.addEventListener("click", () => {
    if (stream.running && !stream.hasFailed) {
      stream.stop();
      note(t("Paused."));
    } else {
      note(t("Starting the camera …"));
      stream.start();
    }
    toggle.textContent = stream.running ? t("Pause") : t("Go on");
  });
  // Nobody looks at a page in the background: the device may rest.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stream.stop();
    else if (toggle.textContent !== t("Go on")) stream.start();
  });
  stream.start();
}

if (panel) setUp();
