// What cannot wait for the modules of main.js: a browser runs those after it has read the whole page, and on a slow line
// somebody types or presses Enter before that. This is a plain script, because only such a one runs first.
"use strict";

// A form that is submitted before the modules have run is held until they have, so that it still asks for confirmation.
// If they do not arrive, it is sent without them.
let heldForm = null;

function holdForm(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  heldForm = { form: event.target, submitter: event.submitter };
}

function releaseForm() {
  document.removeEventListener("submit", holdForm);
  heldForm?.form.requestSubmit(heldForm.submitter);
}

document.addEventListener("submit", holdForm);
// Modules run before this event. In the capture phase, so that no other listener can keep a held form from being sent.
window.addEventListener("DOMContentLoaded", releaseForm, { capture: true, once: true });

// A field that is filled in and has the focus when the page opens gets its caret at the end, before the first key press.
document.addEventListener(
  "focusin",
  ({ target }) => {
    if (target.matches("input[type=text][autofocus]")) target.setSelectionRange(target.value.length, target.value.length);
  },
  { once: true },
);
