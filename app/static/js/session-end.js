// Warns before the session ends, so that nobody loses what they typed. Other windows may have used the session meanwhile:
// the server knows how long it still lasts.
import { forEach } from "./delegation.js";

const LONGEST_TIMER_MS = 24 * 60 * 60 * 1000;

function watch(dialog) {
  const warnedBefore = Number(dialog.dataset.warnedBefore);
  let timer = null;
  let shown = "";
  let finallyWarned = false;

  function show(state) {
    shown = state;
    for (const each of dialog.querySelectorAll("[data-extendable], [data-final], [data-ended]")) {
      each.hidden = !(state in each.dataset);
    }
    if (!dialog.open) dialog.showModal();
  }

  function wait(seconds, then) {
    clearTimeout(timer);
    timer = setTimeout(then, Math.min(Math.max(0, seconds) * 1000, LONGEST_TIMER_MS));
  }

  // Returns null if the session has ended. Only a request without the header counts as use of the session.
  async function ask(use = false) {
    const headers = use ? {} : { "X-Background": "1" };
    const answer = await fetch(dialog.dataset.url, { headers, redirect: "manual" });
    return answer.ok ? answer.json() : null;
  }

  async function check(use = false) {
    let left;
    try {
      left = await ask(use);
    } catch {
      // Without a connection nothing can be said; try again.
      wait(30, check);
      return;
    }
    if (left === null || left.seconds <= 0) {
      show("ended");
    } else if (left.seconds > warnedBefore) {
      shown = "";
      dialog.close();
      wait(left.seconds - warnedBefore, () => check());
    } else {
      if (left.extendable || !finallyWarned) show(left.extendable ? "extendable" : "final");
      finallyWarned ||= !left.extendable;
      wait(left.seconds + 1, () => check());
    }
  }

  // Closing the warning, with the button or the Escape key, shows that somebody is there.
  dialog.addEventListener("close", () => {
    if (shown === "extendable") check(true);
  });
  wait(Number(dialog.dataset.seconds) - warnedBefore, () => check());
}

forEach("#session-end", watch);
