// Our small theme over ECharts, and what all charts share. No HTML tooltips: the content policy
// forbids inline styles, and text drawn on the canvas needs none.

const charts = new Set();

export function palette() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    text: value("--bs-body-color"), soft: value("--bs-secondary-color"), line: value("--sw-line"),
    panel: value("--sw-panel"), accent: value("--sw-accent"), second: "#d97f30", bad: "#d64550",
    low: value("--sw-panel"),
  };
}

export function base(colours) {
  return {
    animation: false,
    textStyle: { color: colours.text, fontFamily: getComputedStyle(document.body).fontFamily },
    tooltip: {
      renderMode: "richText", backgroundColor: colours.panel, borderColor: colours.line,
      textStyle: { color: colours.text }, confine: true,
    },
  };
}

export function axis(colours, more = {}) {
  return {
    axisLine: { lineStyle: { color: colours.line } }, axisTick: { show: false },
    axisLabel: { color: colours.soft, hideOverlap: true }, splitLine: { lineStyle: { color: colours.line } },
    nameTextStyle: { color: colours.soft }, ...more,
  };
}

// ``build(colours)`` returns ECharts options; it is called again when the theme changes.
export function draw(element, build) {
  let chart = window.echarts.getInstanceByDom(element);
  if (!chart) {
    element.textContent = "";
    chart = window.echarts.init(element);
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  chart.slipwayBuild = build;
  chart.setOption(build(palette()), { notMerge: true });
  charts.add(chart);
  return chart;
}

document.addEventListener("slipway:theme", () => {
  for (const chart of charts) {
    if (chart.isDisposed() || !chart.getDom().isConnected) charts.delete(chart);
    else chart.setOption(chart.slipwayBuild(palette()), { notMerge: true });
  }
});

export function readJson(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}
