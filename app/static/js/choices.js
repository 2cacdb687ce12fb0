// Groups of checkboxes: one that ticks all, buttons that need at least one choice, and a field that narrows them down.
import { forEach, on } from "./delegation.js";

function shownBoxes(group) {
  return [...group.querySelectorAll("input[type=checkbox]")].filter((box) => !box.closest("[hidden]"));
}

function allTicked(boxes) {
  return boxes.length > 0 && boxes.every((box) => box.checked);
}

function update(group) {
  const boxes = [...group.querySelectorAll("input[type=checkbox]:not([data-all])")];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = group.querySelector("[data-all]");
  if (all) {
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  const most = Number(group.dataset.choices || Infinity);
  for (const button of group.querySelectorAll("[data-needs-choice]")) button.disabled = !chosen || chosen > most;
  const toggle = group.querySelector("[data-ticks-all]");
  if (toggle) toggle.textContent = allTicked(shownBoxes(group)) ? toggle.dataset.none : toggle.dataset.all;
}

// Initializes a page, or a dialog that was added to it.
export function prepare(part) {
  // Controls that do nothing without JavaScript are hidden until it runs.
  for (const each of part.querySelectorAll("[data-scripted]")) each.hidden = false;
  for (const group of part.querySelectorAll("[data-choices]")) {
    const toggle = group.querySelector("[data-ticks-all]");
    // It is a submit button only without JavaScript, because Enter in the form would press it.
    if (toggle) toggle.type = "button";
    update(group);
    group.addEventListener("change", (event) => {
      if (event.target.matches("[data-all]")) {
        for (const box of group.querySelectorAll("input[type=checkbox]")) box.checked = event.target.checked;
      }
      update(group);
    });
  }
}

prepare(document);

on("click", "[data-choices] [data-ticks-all]", (toggle) => {
  const group = toggle.closest("[data-choices]");
  const boxes = shownBoxes(group);
  const wanted = !allTicked(boxes);
  for (const box of boxes) box.checked = wanted;
  update(group);
});

on("input", "[data-narrows]", (input) => {
  const words = input.value.trim().toLowerCase();
  for (const choice of document.querySelectorAll(`#${input.dataset.narrows} > *`)) {
    choice.hidden = !choice.textContent.toLowerCase().includes(words);
  }
  const group = input.closest("[data-choices]");
  if (group) update(group);
});

// A choice that takes effect at once needs no button.
on("change", "[data-sends-on-change]", (select) => select.form.requestSubmit());
forEach("[data-without-script]", (button) => {
  button.hidden = true;
});
