// Warns before a page is left that has a form with unsaved changes: those made on this page, or those that the server shows of an
// earlier page (data-unsaved), such as added rows.
import { forEach } from "./delegation.js";

const changed = new Set();

forEach("form[data-unsaved]", (form) => changed.add(form));

document.addEventListener("input", ({ target }) => {
  if (target.form?.matches("[data-validated], [data-warns]")) changed.add(target.form);
});

document.addEventListener("submit", (event) => {
  // Another form of the page, such as that of a dialog, saves nothing of this one.
  if (!event.defaultPrevented) changed.delete(event.target);
});

window.addEventListener("beforeunload", (event) => {
  if (changed.size > 0) event.preventDefault();
});
