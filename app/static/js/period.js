// Only the inputs of a period's chosen mode are sent.
import { forEach } from "./delegation.js";

function choose(period) {
  const mode = period.querySelector("input[type=radio]:checked")?.value;
  for (const group of period.querySelectorAll(".period-group")) {
    const off = !group.classList.contains(`period-${mode}`);
    for (const input of group.querySelectorAll("input")) input.disabled = off;
  }
}

forEach(".period", (period) => {
  choose(period);
  period.addEventListener("change", () => choose(period));
});
