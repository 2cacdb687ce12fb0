// Buttons that open or close a dialog. Without JavaScript such a button submits its form, and the server sends the page
// with the dialog open.
import { prepare } from "./choices.js";
import { forEach, on } from "./delegation.js";
import { fetchPage, whileBusy } from "./pages.js";

// A dialog that is not part of this page yet is loaded from the page that the form requests.
async function fetchDialog(button) {
  const address = new URL(button.form.action);
  address.search = new URLSearchParams(new FormData(button.form));
  const dialog = (await fetchPage(address)).getElementById(button.dataset.opens);
  dialog.open = false;
  button.form.after(dialog);
  prepare(dialog);
  return dialog;
}

on("click", "[data-opens]", (button, event) => {
  event.preventDefault();
  whileBusy(button, async () => {
    try {
      const dialog = document.getElementById(button.dataset.opens) ?? (await fetchDialog(button));
      dialog.showModal();
    } catch {
      button.form.submit();
    }
  });
});

on("click", "dialog [data-closes]", (button, event) => {
  event.preventDefault();
  button.closest("dialog").close();
});

// A click on the backdrop has the dialog itself as its target.
on("click", "dialog", (dialog, event) => {
  if (event.target === dialog) dialog.close();
});

// A dialog that opens by itself repeats what the page already shows without JavaScript.
forEach("dialog[open], dialog[data-auto-open]", (dialog) => {
  dialog.open = false;
  dialog.showModal();
});
