// Buttons that insert a placeholder into the subject or the body of a mail template.
//
// The placeholder is inserted at the caret of the field that was last typed in or clicked. The last focus does not count,
// because Tab may pass through other fields on the way to the buttons. By default it is appended to the body.
import { forEach } from "./delegation.js";

forEach("[data-placeholders]", (form) => {
  let field = form.elements.body;
  if (field !== document.activeElement) field.setSelectionRange(field.value.length, field.value.length);
  for (const type of ["pointerdown", "keydown", "input"]) {
    form.addEventListener(type, ({ target, key }) => {
      if (target.matches("#subject, #body") && !["Tab", "Shift"].includes(key)) field = target;
    });
  }
  form.addEventListener("click", ({ target }) => {
    const text = target.dataset.inserts;
    if (text === undefined) return;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
});
