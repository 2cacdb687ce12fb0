// A form with a question (macros/dialogs.html) asks it in a dialog. OK sends the form without its field "ask".
import { on } from "./delegation.js";
import { refill } from "./fetched-dialogs.js";
import { whileBusy } from "./pages.js";

// A form that the server validates first is sent in the background; its question is asked only if it has no errors.
// Returns the page with the question, or with the errors.
async function pageOf(form, submitter) {
  const body = new FormData(form, submitter);
  const url = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  const answer = await fetch(url, { method: "POST", body });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function send(form, submitter) {
  form.dataset.answered = "yes";
  form.requestSubmit(submitter);
}

function ask(form, submitter, details) {
  const dialog = document.getElementById("question");
  const { question, question_title: title, question_tone: tone } = form.elements;
  dialog.querySelector("#question-title").textContent = title.value;
  dialog.querySelector("#question-text").textContent =
    submitter?.name === "question" ? submitter.value : question.value;
  dialog.querySelector("#question-details").replaceChildren(...(details?.children ?? []));
  const [ok, cancel] = dialog.querySelectorAll(".dialog-foot button");
  ok.className = `btn btn-${tone.value}`;
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "ok") return;
      form.elements.ask.disabled = true;
      send(form, submitter);
    },
    { once: true },
  );
  dialog.showModal();
  // An accidental Enter must not confirm a destructive action.
  (tone.value === "danger" ? cancel : ok).focus();
}

on("submit", "form", (form, event) => {
  const { submitter } = event;
  const field = form.elements.ask;
  if (!field || submitter?.hasAttribute("data-unconfirmed")) return;
  if (form.dataset.answered) {
    delete form.dataset.answered;
    return;
  }
  event.preventDefault();
  if (form.dataset.validated === undefined) {
    ask(form, submitter);
    return;
  }
  whileBusy(form, async () => {
    try {
      const page = await pageOf(form, submitter);
      const found = page.querySelector("[data-question-answered]");
      if (found) ask(form, submitter, found.querySelector("[data-question-details]"));
      else if (!refill(form, page)) send(form, submitter);
    } catch {
      send(form, submitter);
    }
  });
});

// A page that the browser restores from its back/forward cache asks again.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("input[name=ask]")) field.disabled = false;
});
