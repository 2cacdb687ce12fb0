// Submitted forms: busy buttons, a note while a file is being made, and forms that submit themselves.
import { forEach } from "./delegation.js";

const BUSY_MS = 20000;
const BUSY_DOWNLOAD_MS = 5000;
const NOTE_MS = 60000;
const COOKIE_CHECK_MS = 500;

// Shows that a form is being sent, and keeps it from being sent twice.
function showBusy(form, submitter) {
  const button = submitter ?? form.querySelector("[type=submit]");
  // Not immediately, because the value of a disabled button is not sent.
  setTimeout(() => {
    button?.setAttribute("aria-busy", "true");
    for (const each of form.querySelectorAll("button")) each.disabled = true;
  });
  const free = () => {
    button?.removeAttribute("aria-busy");
    for (const each of form.querySelectorAll("button")) each.disabled = false;
  };
  setTimeout(free, form.dataset.download === undefined ? BUSY_MS : BUSY_DOWNLOAD_MS);
  // The browser may restore the page from its back/forward cache as it was left.
  window.addEventListener("pageshow", free, { once: true });
}

// The note that a file is being made disappears when the file arrives, or after a while. A page is not
// notified when a download begins, so the response with the file sets a cookie.
function showUntilFileArrives(note) {
  const forget = () => {
    document.cookie = "file_comes=; path=/; max-age=0";
  };
  const end = Date.now() + NOTE_MS;
  forget();
  note.hidden = false;
  const watch = setInterval(() => {
    if (!document.cookie.includes("file_comes=") && Date.now() < end) return;
    clearInterval(watch);
    forget();
    note.hidden = true;
  }, COOKIE_CHECK_MS);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  showBusy(form, event.submitter);
  if (form.dataset.download !== undefined) {
    form.closest("dialog")?.close();
    const note = document.getElementById(form.dataset.download);
    if (note) showUntilFileArrives(note);
  }
});

// A form that submits itself waits until the page is visible, so that prerendering the page does not submit it.
function autoSubmit(form) {
  if (document.visibilityState === "visible") form.requestSubmit();
  else document.addEventListener("visibilitychange", () => autoSubmit(form), { once: true });
}
forEach("form[data-auto-submit]", autoSubmit);
