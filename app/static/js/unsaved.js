// A form with changes that were not saved warns before its page is left.
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
