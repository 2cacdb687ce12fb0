// Rows of a list that open in place. Without JavaScript, their link leads to the same page with the row open.
import { forEach, on } from "./delegation.js";
import { fetchPage, whileBusy } from "./pages.js";

async function fill(row, link) {
  row.replaceChildren(...(await fetchPage(link.href)).getElementById(row.id).children);
}

function toggle(link) {
  const row = document.getElementById(link.getAttribute("aria-controls"));
  return whileBusy(link, async () => {
    try {
      if (!row.children.length) await fill(row, link);
    } catch {
      location.assign(link.href);
      return;
    }
    row.hidden = !row.hidden;
    link.setAttribute("aria-expanded", String(!row.hidden));
  });
}

forEach(".row-toggle", (link) => link.setAttribute("role", "button"));
on("click", ".row-toggle", (link, event) => {
  event.preventDefault();
  toggle(link);
});
// The space bar presses buttons, but does not follow links.
on("keydown", ".row-toggle", (link, event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  toggle(link);
});

// A click anywhere else in the row does the same, but not on what has an effect of its own, nor to select text.
on("click", ".has-toggle", (row, event) => {
  const selection = getSelection();
  if (event.target.closest("a, button, input, label, select, summary")) return;
  if (selection.type === "Range" && selection.containsNode(row, true)) return;
  toggle(row.querySelector(".row-toggle"));
});
