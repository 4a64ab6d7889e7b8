// What a test asks of a page: its words, its contrast, its names for assistive technology.
// Contrast by WCAG 2.2, "relative luminance" and "contrast ratio".

(() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && element.getClientRects().length > 0;

  function texts(skip) {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
      if (text && !element.closest(skip)) found.push([element, text]);
    }
    return found;
  }

  const HIDDEN = "script,style,template,noscript";
  const NOT_OURS = "#api-docs";  // Swagger UI speaks English and names its own controls

  function words() {
    const found = texts(`${HIDDEN},${NOT_OURS},code,pre,canvas,svg,[translate=no]`).map(([, text]) => text);
    for (const name of ["title", "alt", "placeholder", "aria-label", "data-label"]) {
      for (const element of document.querySelectorAll(`body [${name}]`)) {
        if (!element.closest(`${HIDDEN},${NOT_OURS},time,[data-hash]`)) found.push(element.getAttribute(name));
      }
    }
    return [...found, document.title];
  }

  function parse(colour) {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(srgb") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  }

  function over([r, g, b, a], below) {
    return [r, g, b].map((value, index) => value * a + below[index] * (1 - a));
  }

  function background(element) {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const layer = parse(getComputedStyle(one).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  }

  function luminance(colour) {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ratio(first, second) {
    const [light, dark] = [luminance(first), luminance(second)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function faint() {
    const found = [];
    for (const [element, text] of texts(`${HIDDEN},:disabled,[aria-disabled],svg`)) {
      if (!shown(element) || element.closest("label")?.control?.disabled) continue;
      const style = getComputedStyle(element), below = background(element);
      const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
      const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
      const got = ratio(over(parse(style.color), below), below);
      if (got < least - 0.005) found.push(`${got.toFixed(2)} “${text.slice(0, 60)}” ${style.color} on ${below.map(Math.round)}`);
    }
    return [...new Set(found)];
  }

  function nameless() {
    const wanted = "a[href],button,summary,input:not([type=hidden]),select,textarea,[role=img]";
    return [...document.querySelectorAll(wanted)].filter((element) => {
      if (!shown(element) || element.closest(NOT_OURS)) return false;
      const labels = [...(element.labels ?? [])].map((label) => label.textContent).join("");
      const pictures = [...element.querySelectorAll("img[alt]")].map((image) => image.alt).join("");
      const name = element.getAttribute("aria-label") || labels || element.textContent + pictures || element.title;
      return !name.trim();
    }).map((element) => element.outerHTML.slice(0, 160));
  }

  function wide() {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    return [...document.querySelectorAll("main *, header *")]
      .filter((element) => element.getBoundingClientRect().right > room + 1)
      .map((element) => element.outerHTML.slice(0, 120)).slice(0, 5);
  }

  window.reading = { words, faint, nameless, wide };
})();
