// Passkeys: when a form with data-passkey is submitted, the browser first makes a passkey (create) or uses one (get). Its
// response is sent in the form's field "passkey".
import { forEach } from "./delegation.js";

const usable = Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);

async function respond(form) {
  const answer = await fetch(form.dataset.passkeyOptions);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const options = await answer.json();
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  form.elements.passkey.value = JSON.stringify(credential);
}

// Listens on the form, and so before the document's listeners, which would show it as being sent.
async function handleSubmit(event) {
  const form = event.currentTarget;
  if (form.elements.passkey.value) return;
  event.preventDefault();
  const failed = form.querySelector("[data-passkey-failed]");
  failed.hidden = true;
  try {
    await respond(form);
  } catch {
    // The user has cancelled, or has no passkey for this site.
    failed.hidden = false;
    return;
  }
  form.requestSubmit();
}

if (usable) {
  forEach("form[data-passkey]", (form) => {
    form.hidden = false;
    form.addEventListener("submit", handleSubmit);
    // The browser may restore the page with the response that it has already sent.
    window.addEventListener("pageshow", () => {
      form.elements.passkey.value = "";
    });
  });
  forEach("[data-passkey-unusable]", (notice) => {
    notice.hidden = true;
  });
}
