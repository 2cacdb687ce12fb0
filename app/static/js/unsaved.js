// Warns before a page is left that has a form with unsaved changes: those made on this page, or those that the server shows of an
// earlier page (data-unsaved), such as added rows.
import { forEach } from "./delegation.js";

const touched = new Set();
const shownUnsaved = new Set();

forEach("form[data-unsaved]", (form) => shownUnsaved.add(form));

document.addEventListener("input", ({ target }) => {
  if (target.form?.matches("[data-validated], [data-warns]")) touched.add(target.form);
});

document.addEventListener("submit", (event) => {
  // Another form of the page, such as that of a dialog, saves nothing of this one.
  if (event.defaultPrevented) return;
  touched.delete(event.target);
  shownUnsaved.delete(event.target);
});

function isChangedSelect(select) {
  const options = [...select.options];
  const initial = options.filter((each) => each.defaultSelected);
  // A browser selects the first option of a list if the page selects none.
  if (!select.multiple && !initial.length) initial.push(options[0]);
  return options.some((each) => each.selected !== initial.includes(each));
}

// Whether a field differs from the page as the server sent it: a value that was typed and taken back is no change.
function isChanged(field) {
  if (field instanceof HTMLSelectElement) return isChangedSelect(field);
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  return false;
}

// A form that is no longer on the page was in a dialog that was closed.
const hasChanges = (form) => form.isConnected && [...form.elements].some(isChanged);

window.addEventListener("beforeunload", (event) => {
  if (shownUnsaved.size > 0 || [...touched].some(hasChanges)) event.preventDefault();
});
