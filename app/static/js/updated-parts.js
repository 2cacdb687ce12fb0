// A part of a form that the server makes again when something in it changes: rows are added and removed, and choices
// follow from other fields. The form is sent in the background, and only that part of its page is taken.
import { on } from "./delegation.js";

let latest = 0;

function controls(part) {
  return [...part.querySelectorAll("input[id]:not([type=hidden]), select[id]")];
}

async function update(part, form, body) {
  const turn = ++latest;
  const sent = new Map(controls(part).map((each) => [each.id, each.value]));
  const answer = await fetch(form.action, { method: "POST", body });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // An answer that a later one replaces is not shown.
  if (turn !== latest) return;
  const made = page.getElementById(part.id);
  for (const each of controls(part)) {
    // What was typed while the answer was on its way stays.
    const same = made.querySelector(`#${CSS.escape(each.id)}`);
    if (same && each.value !== sent.get(each.id)) same.value = each.value;
  }
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  for (const each of made.querySelectorAll("[data-without-script]")) each.hidden = true;
  part.replaceChildren(...made.childNodes);
  (part.querySelector("[autofocus]") ?? (focused && document.getElementById(focused)))?.focus();
}

on("click", "[data-updates]", (button, event) => {
  event.preventDefault();
  const { form } = button;
  update(document.getElementById(button.dataset.updates), form, new FormData(form, button)).catch(() => {
    form.requestSubmit(button);
  });
});

on("change", "[data-updates-on-change]", (field) => {
  const { form } = field;
  const body = new FormData(form);
  body.append("update", "1");
  update(document.getElementById(field.dataset.updatesOnChange), form, body).catch(() => {});
});
