// Warns before a page is left that has a form with unsaved changes.
const changed = new Set();

document.addEventListener("input", ({ target }) => {
  if (target.form?.dataset.validated !== undefined) changed.add(target.form);
});

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) changed.clear();
});

window.addEventListener("beforeunload", (event) => {
  if (changed.size > 0) event.preventDefault();
});
