// Sets light or dark before the first paint: the reader's choice, or else the system's. Not a module on purpose.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* storage may be forbidden */ }
    document.documentElement.dataset.bsTheme = chosen || (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("slipway:theme"));
  };
  window.slipwayTheme = apply;
  system.addEventListener("change", apply);
  apply();
})();
