// The camera of a device, as a source of images: what is shown is what is stored, byte for byte.

import { t } from "../core/words.js";
import { DeviceStream } from "./stream.js";
import { Viewer } from "./viewer.js";

export class DeviceCamera {
  // ended: called with a sentence when the camera stops by itself.
  constructor(canvas, urls, token, { note, ended }) {
    this.canvas = canvas;
    this.viewer = new Viewer(canvas);
    this.newest = null;
    this.stream = new DeviceStream(urls, token, {
      note: (text) => note(text),
      failed: ended,
      frame: async (fields, blob) => {
        this.newest = { blob, origin: fields.origin };
        if (!await this.viewer.show({ ...fields, boxes: [] }, blob)) return;
        note(fields.black ? t("The camera delivers black images: remove its lens cap and add light.") : "");
      },
    });
  }

  async start() {
    this.stream.start();
    return "";
  }

  stop() {
    this.stream.stop();
    this.canvas.hidden = true;
  }

  // The newest frame, once.
  async take() {
    const taken = this.newest;
    this.newest = null;
    return taken;
  }
}
