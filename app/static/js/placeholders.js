// Buttons that insert a placeholder into the subject or the body of a mail template.
//
// It goes to the caret of the field that was typed in or clicked last, and not of the one that had the focus last: on the
// way to the buttons Tab leads through other fields. If there is none yet, it goes to the end of the body.
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
