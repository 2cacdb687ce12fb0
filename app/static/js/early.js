// Code that cannot wait for the modules of main.js: they run after the whole page has been parsed, and on a slow
// connection users type or press Enter before that. This is a classic script, because modules are always deferred.
"use strict";

// A form that is submitted before the modules have run is held back until then, so that it still asks for
// confirmation. If they cannot be loaded, it is sent without them.
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
