// Parts of a page that are kept up to date, such as the states of UTMs. An element with data-refreshes names the URL that
// returns the parts, each with the ID that it has on the page, and tells people who cannot see them what changed.
import { forEach } from "./delegation.js";

// A page that nobody uses ends its session like any other.
const UNUSED_MS = 30 * 60 * 1000;
const SLOWEST_SECONDS = 30;
const SLOWER = 1.1;
const LATEST_FAILURE = 5;

// Replacing a part would take the focus or the selection out of it; it is replaced later.
function isUsed(part) {
  const selection = getSelection();
  return (
    part.contains(document.activeElement) ||
    (!selection.isCollapsed && selection.containsNode(part, true))
  );
}

// Returns what changed, in the words of the parts.
function show(page) {
  const told = [];
  for (const made of page.querySelectorAll("[id]")) {
    const shown = document.getElementById(made.id);
    // A part inside another one is shown with it.
    if (made.parentElement.closest("[id]") || !shown || shown.isEqualNode(made) || isUsed(shown)) continue;
    if (made.dataset.told && made.dataset.told !== shown.dataset.told) told.push(made.dataset.told);
    shown.replaceWith(made);
  }
  return told;
}

function refresh(teller) {
  let every = Number(teller.dataset.every);
  let usedAt = Date.now();
  let timer = null;
  let slowness = 1;
  let failures = 0;
  let ended = false;

  function wait() {
    clearTimeout(timer);
    timer = null;
    if (ended || document.hidden || Date.now() - usedAt > UNUSED_MS) return;
    const seconds = Math.max(every, Math.min(every * slowness, SLOWEST_SECONDS)) * 2 ** failures;
    timer = setTimeout(ask, seconds * 1000);
  }

  async function ask() {
    try {
      // Not following a redirect to the page for signing in.
      const answer = await fetch(teller.dataset.refreshes, {
        redirect: "manual",
        headers: { "X-Background": "1" },
      });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const told = show(page);
        if (told.length > 0) teller.textContent = told.join(" / ");
        every = Number(page.querySelector("[data-every]").dataset.every);
        slowness = told.length > 0 ? 1 : slowness * SLOWER;
        failures = 0;
      } else if (answer.status >= 500 || answer.status === 429) {
        failures = Math.min(failures + 1, LATEST_FAILURE);
      } else {
        // Signed out, not allowed any more, or nothing left to show.
        ended = true;
      }
    } catch {
      failures = Math.min(failures + 1, LATEST_FAILURE);
    }
    wait();
  }

  function use() {
    usedAt = Date.now();
    if (timer === null && !ended && !document.hidden) {
      timer = 0;
      ask();
    }
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? wait() : use()));
  document.addEventListener("pointerdown", use);
  document.addEventListener("keydown", use);
  wait();
}

forEach("[data-refreshes]", refresh);
