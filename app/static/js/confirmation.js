// A form or a button with data-confirm="<id of a dialog>" is sent after the dialog was closed with OK.
import { on } from "./delegation.js";

on("submit", "form", (form, event) => {
  if (event.submitter?.hasAttribute("data-unconfirmed")) return;
  if (form.dataset.confirmed) {
    delete form.dataset.confirmed;
    return;
  }
  const { submitter } = event;
  const dialog = document.getElementById(submitter?.dataset.confirm ?? form.dataset.confirm);
  if (!dialog) return;
  event.preventDefault();
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "ok") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter);
    },
    { once: true },
  );
  dialog.showModal();
});
