// Draws charts from the tables of their numbers. Without this script, the tables have everything.

const COLOURS = 10;
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];
const LINES = ["solid", "dashed", "dotted"];

const styles = getComputedStyle(document.documentElement);
const colour = (name) => styles.getPropertyValue(`--portal-${name}`).trim();

// The table's first column has the labels of the points, each further column a series.
function readNumbers(table) {
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
  const number = (text) => Number(text.replaceAll(",", ""));
  return {
    points: rows.map(([label]) => label),
    series: names.slice(1).map((name, place) => ({ name, data: rows.map((row) => number(row[place + 1])) })),
  };
}

// Lines differ not only in colour.
function styled({ name, data }, place, kinds) {
  const type = kinds[place] ?? kinds.at(-1);
  const lineStyle = { type: LINES[place % LINES.length], width: 2 };
  return { name, data, type, lineStyle, symbol: SYMBOLS[place % SYMBOLS.length], symbolSize: 6, barMaxWidth: 24 };
}

function options(element) {
  const { points, series } = readNumbers(document.getElementById(element.dataset.numbers).querySelector("table"));
  const kinds = element.dataset.chart.split(" ");
  const { fontFamily } = getComputedStyle(document.body);
  const axisLabel = { color: colour("text-quiet") };
  return {
    animation: false,
    color: Array.from({ length: COLOURS }, (_, place) => colour(`chart-${place + 1}`)),
    textStyle: { fontFamily },
    grid: { top: series.length > 1 ? 40 : 16, left: 8, right: 16, bottom: 8, outerBoundsMode: "same" },
    legend: { show: series.length > 1, type: "scroll", top: 0, textStyle: { color: colour("text-quiet") } },
    // The policy of the page forbids the inline styles of a tooltip in HTML.
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, order: "valueDesc" },
    xAxis: { type: "category", data: points, axisLabel },
    yAxis: { type: "value", minInterval: kinds.includes("line") && kinds.includes("bar") ? 0 : 1, axisLabel },
    series: series.map((each, place) => styled(each, place, kinds)),
  };
}

function draw(element, init) {
  element.hidden = false;
  const chart = init(element, null, { renderer: "svg" });
  chart.setOption(options(element));
  // With a view box, the stylesheet can fit the drawing to the width of the paper.
  const fit = () => {
    chart.resize();
    chart.getZr().flush();
    element.querySelector("svg").setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  };
  new ResizeObserver(() => {
    if (!matchMedia("print").matches) fit();
  }).observe(element);
}

const charts = document.querySelectorAll("[data-chart]");
if (charts.length > 0) {
  // Only pages with a chart load the library. The scripts after this one do not wait for it.
  import(charts[0].dataset.library).then(({ init }) => charts.forEach((each) => draw(each, init)));
}
