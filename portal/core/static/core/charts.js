// Small charts in SVG: lines, bars, rows. Colours come from the style sheet, so a change of the theme
// redraws nothing. Each drawing function is called again when its place changes size.

const SVG = "http://www.w3.org/2000/svg";
const LETTER = 6.5;  // about the width of one letter of an axis, in pixels
const drawings = new WeakMap();

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => redraw(target)));

function redraw(element) {
  if (!element.clientWidth) return;  // in a closed section; drawn when that opens
  element.textContent = "";
  drawings.get(element)(new Drawing(element));
}

// Shows ``build(drawing)`` in ``element`` from now on.
export function draw(element, build) {
  const known = drawings.has(element);
  drawings.set(element, build);
  if (known) redraw(element);
  else sizes.observe(element);  // which calls back at once
}

export function readJson(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

export function shortNumber(value) {
  return Math.abs(value) >= 1e6 || (value && Math.abs(value) < 1e-4) ? value.toExponential(1) : String(Number(value.toPrecision(5)));
}

// Round numbers from below ``low`` to above ``high``, about ``count`` of them and at least two.
export function ticks(low, high, count, least = 0) {
  const rough = (high - low || Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(least, power * [1, 2, 5, 10].find((factor) => factor * power >= rough));
  const found = [];
  for (let at = Math.floor(low / step); ; at += 1) {
    found.push(at * step);
    if (at * step >= high && found.length > 1) return found;
  }
}

class Drawing {
  constructor(element) {
    this.element = element;
    this.width = element.clientWidth;
    this.height = element.clientHeight;
    this.left = this.top = 8;
    this.right = this.width - 12;
    this.bottom = this.height - 22;
    this.svg = this.add("svg", { viewBox: `0 0 ${this.width} ${this.height}`, class: "drawing" }, element);
  }

  add(name, attributes, parent = this.svg) {
    const made = parent.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  text(words, x, y, look = "", room = Infinity) {
    const most = Math.max(1, Math.floor(room / LETTER));
    const made = this.add("text", { x, y, class: look });
    made.textContent = words.length > most ? `${words.slice(0, Math.max(1, most - 1))}…` : words;
    return made;
  }

  // A title on the left, the names of the series with their marks on the right.
  heading(title, names) {
    if (title) this.text(title, 4, 14, "drawing-title");
    let x = this.right;
    if (names.length > 1) {
      for (const [index, name] of [...names.entries()].reverse()) {
        x -= name.length * LETTER;
        this.text(name, x, 14);
        this.add("line", { x1: x - 20, x2: x - 4, y1: 10, y2: 10, class: `line-${index + 1}` });
        x -= 32;
      }
    }
    if (title || names.length > 1) this.top = 28;
  }

  // Horizontal lines with their values; returns the scale and makes room for the labels.
  verticalAxis(low, high, least = 0) {
    const marks = ticks(low, high, Math.max(2, Math.round((this.bottom - this.top) / 50)), least);
    const labels = marks.map(shortNumber);
    this.left = 12 + LETTER * Math.max(...labels.map((label) => label.length));
    const [first, last] = [marks[0], marks.at(-1)];
    const scale = (value) => this.bottom - ((value - first) / (last - first)) * (this.bottom - this.top);
    marks.forEach((mark, index) => {
      const y = scale(mark);
      this.add("line", { x1: this.left, x2: this.right, y1: y, y2: y, class: "grid" });
      this.text(labels[index], this.left - 6, y + 4, "end");
    });
    return scale;
  }

  // Names under bars, each ``width`` wide: cut short where they do not fit, and only some of very many.
  names(names, width) {
    const every = Math.ceil((3 * LETTER + 4) / width);
    names.forEach((name, index) => {
      if (index % every) return;
      this.text(name, this.left + (index + 0.5) * width, this.bottom + 15, "middle", every * width - 4);
    });
  }

  // Shows ``words(x, y)`` beside the pointer, or nothing if it returns nothing.
  tip(words) {
    const box = this.element.appendChild(document.createElement("div"));
    box.className = "drawing-tip";
    box.hidden = true;
    this.svg.addEventListener("pointerleave", () => { box.hidden = true; });
    this.svg.addEventListener("pointermove", (event) => {
      const place = this.svg.getBoundingClientRect();
      const [x, y] = [event.clientX - place.left, event.clientY - place.top];
      const said = words(x, y);
      box.hidden = !said;
      if (!said) return;
      box.textContent = said;
      box.style.left = `${Math.max(0, Math.min(x + 12, this.width - box.offsetWidth))}px`;
      box.style.top = `${Math.max(0, y - box.offsetHeight - 8)}px`;
    });
  }
}

// The points that differ on the screen: of many in one column of pixels, the lowest and the highest.
function thinned(points, columns) {
  if (points.length <= 2 * columns) return points;
  const size = Math.ceil(points.length / columns), kept = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(start, start + size);
    const byValue = part.toSorted((one, other) => one[1] - other[1]);
    kept.push(...new Set(part.filter((point) => point === byValue[0] || point === byValue.at(-1))));
  }
  return kept;
}

function nearest(points, x) {
  let best = points[0];
  for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
  return best;
}

// ``series``: ``{ name, points: [[x, y], …], mark, dots, loose }``; ``mark`` is the number of its colour and dashes,
// ``loose`` points are not joined.
// ``choose(x)`` is called for a click at a point's x; ``axisWords(x)`` names the marks below instead of their number.
export function lines({ title, series, stepWords, choose, axisWords = shortNumber }) {
  return (drawing) => {
    let pointed;
    const all = series.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
    if (!all.length) return;
    const extent = (part) => all.reduce(([low, high], point) => [Math.min(low, point[part]), Math.max(high, point[part])], [Infinity, -Infinity]);
    const [[first, last], [low, high]] = [extent(0), extent(1)];
    drawing.heading(title, stepWords ? series.map(({ name }) => name) : []);
    const y = drawing.verticalAxis(low, high);
    const x = (value) => drawing.left + ((value - first) / (last - first || 1)) * (drawing.right - drawing.left);
    for (const mark of ticks(first, last, Math.max(2, Math.round(drawing.width / 110)), 1)) {
      if (mark >= first && mark <= last) drawing.text(axisWords(mark), Math.min(x(mark), drawing.right - LETTER * axisWords(mark).length / 2), drawing.bottom + 15, "middle");
    }
    for (const { points, mark, dots, loose } of series) {
      const shown = thinned(points.filter(([, value]) => Number.isFinite(value)), drawing.width);
      const path = shown.map(([at, value], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
      if (!loose) drawing.add("path", { d: path.join(""), class: `line-${mark}` });
      if (dots || shown.length < 2) for (const [at, value] of shown) drawing.add("circle", { cx: x(at), cy: y(value), r: 3, class: `dot-${mark}` });
    }
    const guide = drawing.add("line", { y1: drawing.top, y2: drawing.bottom, class: "guide", visibility: "hidden" });
    drawing.svg.addEventListener("pointerleave", () => guide.setAttribute("visibility", "hidden"));
    drawing.tip((at) => {
      const asked = first + ((at - drawing.left) / (drawing.right - drawing.left)) * (last - first);
      const step = nearest(all, asked)[0];
      pointed = step;
      for (const end of ["x1", "x2"]) guide.setAttribute(end, x(step));
      guide.setAttribute("visibility", "visible");
      const values = series.filter(({ loose }) => !loose).map(({ name, points }) => {
        const [, value] = nearest(points, step);
        return `${name}: ${shortNumber(value)}`;
      });
      return [stepWords ? stepWords(step) : step, ...values].join("\n");
    });
    if (choose) drawing.svg.addEventListener("click", () => { if (pointed !== undefined) choose(pointed); });
  };
}

// Bars side by side, each stacked of its ``values``. ``rows``: ``{ name, label, values }``, a ``label`` short of the name; ``series``: names of the values.
export function columns(rows, series) {
  return (drawing) => {
    drawing.heading("", series);
    const sums = rows.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
    const y = drawing.verticalAxis(0, Math.max(1, ...sums), 1);
    const width = (drawing.right - drawing.left) / rows.length;
    rows.forEach(({ values }, index) => {
      let below = 0;
      values.forEach((value, part) => {
        const [from, to] = [y(below), y(below + value)];
        drawing.add("rect", { x: drawing.left + (index + 0.1) * width, width: 0.8 * width, y: to, height: from - to, class: `dot-${part + 1}` });
        below += value;
      });
    });
    drawing.names(rows.map(({ name, label }) => label ?? name), width);
    drawing.tip((x) => {
      const row = rows[Math.floor((x - drawing.left) / width)];
      return row && [row.name, ...row.values.map((value, part) => (series[part] ? `${series[part]}: ${value}` : value))].join("\n");
    });
  };
}

// Bars below each other with their names and values. ``rows``: ``[name, value]``.
export function bars(rows) {
  return (drawing) => {
    const room = Math.min(0.45 * drawing.width, LETTER * Math.max(...rows.map(([name]) => name.length)) + 8);
    const most = Math.max(...rows.map(([, value]) => value)), height = drawing.height / rows.length;
    const width = drawing.width - room - 12 - LETTER * String(most).length;
    rows.forEach(([name, value], index) => {
      const y = index * height;
      drawing.text(name, room - 6, y + height / 2 + 4, "end", room - 6);
      drawing.add("rect", { x: room, y: y + 0.15 * height, width: (width * value) / most, height: 0.7 * height, class: "dot-1" });
      drawing.text(String(value), room + (width * value) / most + 4, y + height / 2 + 4);
    });
    drawing.tip((x, y) => { const row = rows[Math.floor(y / height)]; return row && `${row[0]}: ${row[1]}`; });
  };
}
