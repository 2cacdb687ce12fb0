// Links and buttons whose page is shown as a dialog: the part of it with the ID in data-dialog. Without JavaScript they
// open the page.
import { prepare } from "./choices.js";
import { on } from "./delegation.js";
import { whileBusy } from "./pages.js";

// The ID of the part that each such dialog shows.
const shown = new WeakMap();

async function load(source) {
  const { form } = source;
  const answer = form
    ? await fetch(source.formAction, { method: "POST", body: new FormData(form, source) })
    : await fetch(source.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.getElementById(source.dataset.dialog);
  if (!part) throw new Error("The page has no such part.");
  return part;
}

function fill(dialog, part) {
  dialog.replaceChildren(...part.childNodes);
  prepare(dialog);
  // For the fields that depend on others.
  dialog.dispatchEvent(new Event("change", { bubbles: true }));
}

function open(part) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  shown.set(dialog, part.id);
  dialog.setAttribute("aria-labelledby", part.getAttribute("aria-labelledby"));
  document.body.append(dialog);
  fill(dialog, part);
  // The next time it may be about something else.
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

// Shows the errors of a form where the form is; returns whether the form is in such a dialog.
export function refill(form, page) {
  const dialog = form.closest("dialog");
  const part = dialog && shown.has(dialog) && page.getElementById(shown.get(dialog));
  if (!part) return false;
  fill(dialog, part);
  dialog.querySelector("[data-error-summary]")?.focus();
  return true;
}

on("click", "[data-dialog]", (source, event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  whileBusy(source, async () => {
    try {
      open(await load(source));
    } catch {
      if (source.form) source.form.requestSubmit(source);
      else location.assign(source.href);
    }
  });
});
