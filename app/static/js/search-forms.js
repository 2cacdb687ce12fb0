// The data that search forms send.

// Conditions without a value are not sent.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.short === undefined) return;
  for (const [name, value] of [...formData]) {
    if (value === "") formData.delete(name);
  }
});

// A search inside a dialog also sends its ticked checkboxes, so that they stay ticked.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.carries === undefined) return;
  for (const box of target.closest("dialog").querySelectorAll("input[name=utm]:checked")) {
    formData.append(target.dataset.carries, box.value);
  }
});
