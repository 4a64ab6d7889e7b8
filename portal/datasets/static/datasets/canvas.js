// Draws boxes over a photograph with Konva: by mouse, pen and touch, with zoom and panning. The photograph is an
// element of its own below the canvas, so that dragging a box never paints twelve million pixels anew.

const Konva = window.Konva;
const HANDLE = window.matchMedia("(pointer: coarse)").matches ? 22 : 10; // pixels of the screen
const LEAST_DRAG = 4;
const LARGEST = 40; // pixels of the screen for one of the image
const STEP = 1.25;
const MOST_NAMED = 200; // boxes in view; with more, their names would hide the photograph

export class Canvas {
  // act: { select(number), add([left, top, width, height]), put(number, place) }
  constructor(holder, photo, boxes, classes, act) {
    Object.assign(this, { holder, photo, boxes, classes, act, mode: "draw", zoom: 1, x: 0, y: 0 });
    this.stage = new Konva.Stage({ container: holder.querySelector("[data-canvas]"), width: 1, height: 1 });
    this.layer = new Konva.Layer();
    this.frame = new Konva.Transformer({
      rotateEnabled: false, flipEnabled: false, keepRatio: false, ignoreStroke: true, anchorSize: HANDLE,
      borderStroke: "#fff", borderDash: [4, 3], anchorStroke: "#000",
    });
    this.stage.add(this.layer);
    this.#listen();
    new ResizeObserver(() => this.fit()).observe(holder);
    this.fit();
  }

  fit() {
    const width = this.holder.clientWidth;
    const height = Math.max(160, Math.min(width * this.boxes.height / this.boxes.width, window.innerHeight * 0.75));
    this.holder.style.height = `${height}px`;
    this.stage.size({ width, height });
    this.whole = Math.min(width / this.boxes.width, height / this.boxes.height);
    this.#look(this.zoom, this.x, this.y);
  }

  get scale() { return this.whole * this.zoom; }

  #look(zoom, x, y) {
    const { width, height } = this.stage.size();
    this.zoom = Math.max(1, Math.min(zoom, LARGEST / this.whole));
    const room = [width - this.boxes.width * this.scale, height - this.boxes.height * this.scale];
    // Centred where it is smaller than the canvas; never moved away where it is larger.
    this.x = room[0] > 0 ? room[0] / 2 : Math.max(room[0], Math.min(0, x));
    this.y = room[1] > 0 ? room[1] / 2 : Math.max(room[1], Math.min(0, y));
    this.stage.scale({ x: this.scale, y: this.scale });
    this.stage.position({ x: this.x, y: this.y });
    this.photo.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.draw();
  }

  // Keeps the point (x, y) of the canvas where it is.
  zoomBy(factor, x = this.stage.width() / 2, y = this.stage.height() / 2) {
    const zoom = Math.max(1, Math.min(this.zoom * factor, LARGEST / this.whole)), grown = zoom / this.zoom;
    this.#look(zoom, x - (x - this.x) * grown, y - (y - this.y) * grown);
  }

  zoomIn() { this.zoomBy(STEP); }
  zoomOut() { this.zoomBy(1 / STEP); }
  showWhole() { this.#look(1, 0, 0); }

  setMode(mode) {
    this.mode = mode;
    this.holder.dataset.mode = mode;
  }

  // A box in the middle of what is seen, for people without a pointer.
  middle() {
    const { width, height } = this.stage.size(), size = [width / 5 / this.scale, height / 5 / this.scale];
    const [x, y] = [(width / 2 - this.x) / this.scale, (height / 2 - this.y) / this.scale];
    return [x - size[0] / 2, y - size[1] / 2, ...size];
  }

  draw() {
    this.layer.destroyChildren();
    const inView = [...this.boxes.rows.entries()].filter(([number, row]) => number === this.boxes.selected || this.#isInView(row));
    for (const [number, row] of inView) this.#drawBox(row, number, inView.length <= MOST_NAMED);
    const chosen = this.layer.findOne(`#box-${this.boxes.selected}`);
    this.frame = new Konva.Transformer({ ...this.frame.getAttrs(), nodes: chosen ? [chosen] : [] });
    this.frame.on("transformend", () => this.#settle(this.boxes.selected));
    this.layer.add(this.frame);
    this.layer.batchDraw();
  }

  #isInView([, x, y, width, height]) {
    const [left, top] = [this.x + x * this.scale, this.y + y * this.scale], { width: right, height: bottom } = this.stage.size();
    return left < right && top < bottom && left + width * this.scale > 0 && top + height * this.scale > 0;
  }

  #drawBox([classId, x, y, width, height], number, named) {
    const { name, color } = this.classes.get(classId) ?? { name: "", color: "#fff" };
    const rect = new Konva.Rect({
      id: `box-${number}`, x, y, width, height, stroke: color, strokeWidth: 2, strokeScaleEnabled: false,
      fill: number === this.boxes.selected ? `${color}33` : `${color}00`, draggable: this.mode === "draw", hitStrokeWidth: 12,
    });
    // Not as soon as it is pressed: choosing draws all boxes anew, and one that is being dragged must stay.
    for (const name of ["click", "tap"]) rect.on(name, () => { if (this.mode === "draw") this.act.select(number); });
    rect.on("dragend", () => this.#settle(number));
    this.layer.add(rect);
    if (!named) return;
    const size = 14 / this.scale;
    const label = new Konva.Text({
      x, y: y > size * 1.2 ? y - size * 1.1 : y + size * 0.1, text: name, fontSize: size, fontStyle: "bold",
      fill: "#fff", stroke: "#000", strokeWidth: 3 / this.scale, fillAfterStrokeEnabled: true, listening: false,
    });
    this.layer.add(label);
  }

  #settle(number) {
    const rect = this.layer.findOne(`#box-${number}`);
    this.act.put(number, [rect.x(), rect.y(), rect.width() * rect.scaleX(), rect.height() * rect.scaleY()]);
  }

  #listen() {
    this.stage.on("pointerdown", (event) => this.#press(event));
    this.stage.on("pointermove", () => this.#pull());
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) this.stage.on(name, () => this.#release());
    this.stage.on("touchmove", (event) => this.#pinch(event.evt));
    for (const name of ["touchend", "touchcancel"]) this.stage.on(name, () => { this.fingers = null; });
    this.holder.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls, as everywhere
      event.preventDefault();
      const box = this.holder.getBoundingClientRect();
      this.zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
  }

  #press(event) {
    if (event.evt.isPrimary === false) return this.#giveUp();
    if (this.mode === "pan" || event.evt.button === 1) this.panned = this.stage.getPointerPosition();
    else if (event.target === this.stage) {
      this.from = this.stage.getRelativePointerPosition();
      this.drawn = new Konva.Rect({ stroke: "#fff", strokeWidth: 2, dash: [6, 4], strokeScaleEnabled: false, listening: false });
      this.layer.add(this.drawn);
    }
    return undefined;
  }

  #pull() {
    if (this.panned) {
      const now = this.stage.getPointerPosition();
      this.#look(this.zoom, this.x + now.x - this.panned.x, this.y + now.y - this.panned.y);
      this.panned = now;
    } else if (this.from) {
      const now = this.stage.getRelativePointerPosition();
      this.drawn.setAttrs({ x: this.from.x, y: this.from.y, width: now.x - this.from.x, height: now.y - this.from.y });
    }
  }

  #release() {
    const drawn = this.from && this.drawn.getAttrs();
    this.#giveUp();
    if (!drawn) return;
    const large = Math.min(Math.abs(drawn.width ?? 0), Math.abs(drawn.height ?? 0)) * this.scale >= LEAST_DRAG;
    if (large) this.act.add([drawn.x, drawn.y, drawn.width, drawn.height]);
    else this.act.select(-1);
  }

  #giveUp() {
    this.drawn?.destroy();
    this.from = this.panned = this.drawn = null;
  }

  #pinch(event) {
    if (event.touches.length !== 2) return;
    this.#giveUp();
    const box = this.holder.getBoundingClientRect();
    const [a, b] = [...event.touches].map((touch) => ({ x: touch.clientX - box.left, y: touch.clientY - box.top }));
    const now = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
    if (this.fingers) {
      this.#look(this.zoom, this.x + now.x - this.fingers.x, this.y + now.y - this.fingers.y);
      this.zoomBy(now.apart / this.fingers.apart, now.x, now.y);
    }
    this.fingers = now;
  }
}
