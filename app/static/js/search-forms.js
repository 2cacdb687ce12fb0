// Search forms keep the address of their page short and exact.
import { on } from "./delegation.js";

// The operator of a condition is a part of the name of its input.
on("change", "[data-operator-of]", (select) => {
  document.getElementById(select.dataset.operatorOf).name = select.value;
});

// Conditions without a value are not sent.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.short === undefined) return;
  for (const [name, value] of [...formData]) {
    if (value === "") formData.delete(name);
  }
});
on("submit", "form[method=get]", (form) => {
  for (const input of form.elements) {
    if (input.name?.startsWith("_flt_") && input.value === "") input.disabled = true;
  }
});

// A search inside a dialog keeps what is ticked there.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.carries === undefined) return;
  for (const box of target.closest("dialog").querySelectorAll("input[name=utm]:checked")) {
    formData.append(target.dataset.carries, box.value);
  }
});
