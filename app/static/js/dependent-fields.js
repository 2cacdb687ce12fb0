// Parts of a form that apply only to some values of another field. Without JavaScript they are always shown, and the
// server ignores what does not apply.
import { forEach } from "./delegation.js";

function update() {
  forEach("[data-shown-for]", (part) => {
    const form = part.closest("form");
    const values = part.dataset.values.split(" ");
    part.hidden = !values.includes(new FormData(form).get(part.dataset.shownFor) ?? "");
  });
}

update();
document.addEventListener("change", update);
// A browser fills in again what was typed before its page is shown from memory.
window.addEventListener("pageshow", update);
