// A new value has to be typed twice; for a known one, the second field is hidden.
import { forEach } from "./delegation.js";

forEach("[data-again]", (again) => {
  const first = document.getElementById(again.dataset.again);
  const known = ["", ...again.dataset.known.split(" ")];
  const update = () => {
    again.hidden = known.includes(first.value.trim());
  };
  first.addEventListener("input", update);
  window.addEventListener("pageshow", update);
});
