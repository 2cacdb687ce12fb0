// Write the part of Tabler's stylesheet that the portal uses to app/static/vendor, and the classes that it leaves out beside it.
// tests/conventions/test_static_files.py fails when a template, a script or Python code uses one of these.
import { readFileSync, writeFileSync } from "node:fs";

import postcss from "postcss";
import selectors from "postcss-selector-parser";
import { PurgeCSS } from "purgecss";

const ROOT = "../..";
const PUBLISHED = "node_modules/@tabler/core/dist/css/tabler.min.css";
const VENDOR = `${ROOT}/app/static/vendor/tabler`;

function classesOf(css) {
  const found = new Set();
  const collect = selectors((root) => root.walkClasses((each) => found.add(each.value)));
  postcss.parse(css).walkRules((rule) => collect.processSync(rule));
  return found;
}

const published = readFileSync(PUBLISHED, "utf8");
const [{ css }] = await new PurgeCSS().purge({
  content: ["templates/**/*.html", "static/js/*.js", "**/*.py"]
    .map((each) => `${ROOT}/app/${each}`)
    .concat(["models", "views"].map((each) => `${ROOT}/${each}/**/*.py`)),
  css: [{ raw: published }],
  keyframes: true,
  safelist: {
    standard: [
      // Put together in templates from two parts.
      /^(btn|status)-(primary|secondary|success|info|warning|danger|blue|green|orange|red|x)$/,
      // Used often enough to be at hand without another build.
      /^(m|p)[tbsexy]?-([0-5]|auto)$/,
      /^(g|gx|gy|gap)-[0-5]$/,
      /^col(-(sm|md|lg|xl))?(-(auto|1?\d))?$/,
      /^(d|flex|align-items|align-self|justify-content)(-[a-z]+)+$/,
      /^(text|fw|w|h|order|overflow|float|position)-[a-z0-9]+$/,
      /^(form|table|card|list-group|input-group|btn)(-[a-z]+)?$/,
    ],
  },
});
writeFileSync(`${VENDOR}/tabler.min.css`, css);

const kept = classesOf(css);
const left = [...classesOf(published)].filter((each) => !kept.has(each)).sort();
writeFileSync("left-out.txt", `${left.join("\n")}\n`);
console.log(`${kept.size} classes are kept, ${left.length} left out; ${css.length} of ${published.length} bytes.`);
