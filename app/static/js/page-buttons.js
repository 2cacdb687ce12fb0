// Buttons that print the page, and that copy a value which is shown only once.
import { forEach, on } from "./delegation.js";

on("click", "[data-prints]", () => window.print());

on("click", "[data-copies]", async (button) => {
  const input = document.getElementById(button.dataset.copies);
  input.select();
  await navigator.clipboard.writeText(input.value);
  button.querySelector("[data-done]").hidden = false;
});
// Browsers offer the clipboard only over HTTPS.
forEach("[data-copies]", (button) => {
  button.hidden = !navigator.clipboard;
});
