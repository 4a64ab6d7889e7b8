// Draws frames on a canvas, with their boxes. A frame that comes while another is drawn is left out.

const FONT = "sans-serif";
const COLOURS = ["#4dabf7", "#ffd43b", "#69db7c", "#ff8787", "#da77f2", "#ffa94d", "#38d9a9", "#f783ac"];

export class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.isBusy = false;
  }

  // False if it was left out.
  async show(fields, blob) {
    if (this.isBusy) return false;
    this.isBusy = true;
    try {
      const image = await createImageBitmap(blob);
      const { canvas } = this;
      if (canvas.width !== image.width || canvas.height !== image.height) Object.assign(canvas, { width: image.width, height: image.height });
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      image.close();
      for (const box of fields.boxes ?? []) draw(pen, box);
      canvas.hidden = false;
      return true;
    } catch {
      return false; // not an image: the next one will be
    } finally {
      this.isBusy = false;
    }
  }
}

function draw(pen, { label, label_id: id, score, box: [left, top, width, height] }) {
  const colour = COLOURS[(id ?? 0) % COLOURS.length], words = `${label} ${Math.round(100 * score)} %`;
  pen.lineWidth = 3;
  pen.strokeStyle = colour;
  pen.strokeRect(left, top, width, height);
  pen.font = `16px ${FONT}`;
  pen.fillStyle = colour;
  const y = Math.max(top, 20);
  pen.fillRect(left, y - 20, pen.measureText(words).width + 8, 20);
  pen.fillStyle = "#000";
  pen.fillText(words, left + 4, y - 5);
}
