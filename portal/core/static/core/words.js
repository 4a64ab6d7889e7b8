// What scripts say, in the reader's language: the page brings the translations, see core/words.py.

const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};

// t("{count} lines", { count: 3 }): the text must stand in the call, for it is collected from there.
export function t(text, places = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (place, name) => places[name] ?? place);
}

// For numbers of things: English says one of them in another way.
export function count(number, one, many) {
  return number === 1 ? one : many;
}
