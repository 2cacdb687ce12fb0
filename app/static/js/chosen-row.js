// A list of which one row is chosen by a radio button: the menu offers what is possible with it.
import { forEach } from "./delegation.js";

function update(form) {
  const controls = [...form.elements];
  const chosen = controls.find((each) => each.type === "radio" && each.checked);
  const possible = chosen?.dataset.actions.split(" ") ?? [];
  for (const button of controls.filter((each) => each.dataset.needsRow)) {
    button.disabled = !chosen;
    button.hidden = Boolean(chosen) && !possible.includes(button.dataset.needsRow);
  }
  forEach("[data-hidden-when-chosen]", (hint) => {
    hint.hidden = Boolean(chosen);
  });
}

forEach("[data-chooses-row]", (form) => {
  update(form);
  document.addEventListener("change", () => update(form));
  // A browser chooses the row again when it shows the page from memory.
  window.addEventListener("pageshow", () => update(form));
});
