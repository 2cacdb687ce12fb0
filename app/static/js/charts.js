// Draws charts from the tables of their numbers. Without this script, the tables have everything.

const COLOURS = 10;
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];
const LINES = ["solid", "dashed", "dotted"];
const LEGEND = { sign: 25, gap: 20, row: 24, font: 12 }; // pixels

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

function options({ points, series }, kinds) {
  const textStyle = { color: colour("text-quiet") };
  return {
    animation: false,
    color: Array.from({ length: COLOURS }, (_, place) => colour(`chart-${place + 1}`)),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, bottom: 8, outerBoundsMode: "same" },
    legend: { show: series.length > 1, type: "plain", top: 0, left: 0, right: 0, itemWidth: LEGEND.sign, textStyle },
    // The policy of the page forbids the inline styles of a tooltip in HTML.
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, order: "valueDesc" },
    xAxis: { type: "category", data: points, axisLabel: textStyle },
    // Averages are not whole numbers.
    yAxis: { type: "value", minInterval: kinds.length > 1 ? 0 : 1, axisLabel: textStyle },
    series: series.map((each, place) => styled(each, place, kinds)),
  };
}

// The library does not make room for a legend of several rows.
function legendHeight(names, width) {
  if (names.length < 2) return 0;
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${LEGEND.font}px ${getComputedStyle(document.body).fontFamily}`;
  let rows = 1;
  let used = 0;
  for (const name of names) {
    const needed = LEGEND.sign + LEGEND.gap + Math.min(pen.measureText(name).width, width - LEGEND.sign - LEGEND.gap);
    if (used > 0 && used + needed > width) {
      rows += 1;
      used = 0;
    }
    used += needed;
  }
  return rows * LEGEND.row;
}

function draw(element, init) {
  const numbers = readNumbers(document.getElementById(element.dataset.numbers).querySelector("table"));
  element.hidden = false;
  const height = element.clientHeight;
  const chart = init(element, null, { renderer: "svg" });
  chart.setOption(options(numbers, element.dataset.chart.split(" ")));
  const fit = () => {
    const room = element.clientWidth - 3 * LEGEND.gap;
    const legend = legendHeight(numbers.series.map(({ name }) => name), room);
    element.style.height = `${height + legend}px`;
    chart.resize();
    chart.setOption({
      grid: { top: legend + 16 },
      legend: { textStyle: { overflow: "truncate", width: room - LEGEND.sign - LEGEND.gap } },
    });
    chart.getZr().flush();
    // With a view box, the stylesheet can fit the drawing to the width of the paper.
    element.querySelector("svg").setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  };
  let width = 0;
  new ResizeObserver(() => {
    if (matchMedia("print").matches || element.clientWidth === width) return;
    width = element.clientWidth;
    fit();
  }).observe(element);
}

const charts = document.querySelectorAll("[data-chart]");
if (charts.length > 0) {
  // Only pages with a chart load the library. The scripts after this one do not wait for it.
  import(charts[0].dataset.library).then(({ init }) => charts.forEach((each) => draw(each, init)));
}
