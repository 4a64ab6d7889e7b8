// The camera of this computer or phone, as a source of images.

import { t } from "../core/words.js";

const WANTED = { width: { ideal: 1280 }, height: { ideal: 960 } };
const LONGEST = 1280; // pixels of a stored image's longer side
const QUALITY = 0.95;

// What a refusal of getUserMedia means for the person.
function sentenceOf(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return t("The browser did not allow the camera: allow it for this site beside the address, then start it again.");
    case "NotFoundError":
    case "OverconstrainedError":
      return t("This computer has no camera: connect one, or choose a device.");
    case "NotReadableError":
    case "AbortError":
      return t("The camera cannot be read: close other programs that use it, then start it again.");
    default:
      return t("The camera did not start ({error}).", { error: error.message || error.name });
  }
}

export class BrowserCamera {
  // ended: called with a sentence when the camera stops by itself.
  constructor(video, { ended, lenses }) {
    this.video = video;
    this.ended = ended;
    this.lenses = lenses;
  }

  // Resolves to a sentence if it cannot start, else to "".
  async start(lens = "") {
    if (!navigator.mediaDevices?.getUserMedia) {
      return t("Browsers give their camera to pages with HTTPS only: open this page by https://, or on this computer as localhost.");
    }
    try {
      const which = lens ? { deviceId: { exact: lens } } : { facingMode: { ideal: "environment" } };
      this.media = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which }, audio: false });
    } catch (error) {
      return sentenceOf(error);
    }
    const [track] = this.media.getVideoTracks();
    track.addEventListener("ended", () => this.ended(t("The camera was disconnected, or another program is using it.")));
    this.video.srcObject = this.media;
    this.video.hidden = false;
    await this.video.play();
    this.list(track.getSettings().deviceId);
    return "";
  }

  async list(current) {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    this.lenses(found.map(({ deviceId, label }) => ({ id: deviceId, label, current: deviceId === current })));
  }

  stop() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
    this.video.hidden = true;
  }

  // The image as it is shown now: after a phone was turned, its sides are those of the turned image.
  async take() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth || !videoHeight) return null;
    const scale = Math.min(1, LONGEST / Math.max(videoWidth, videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
    return blob && { blob, origin: "" };
  }
}
