// A form with changes that were not saved warns before its page is left.
const changed = new Set();

document.addEventListener("input", ({ target }) => {
  if (target.form?.dataset.validated !== undefined) changed.add(target.form);
});

// A page that shows what was typed but is not stored yet, such as one with errors, counts as changed from the start.
for (const form of document.querySelectorAll("form[data-unsaved]")) changed.add(form);

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) changed.clear();
});

window.addEventListener("beforeunload", (event) => {
  if (changed.size > 0) event.preventDefault();
});
