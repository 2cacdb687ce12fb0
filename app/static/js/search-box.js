// Suggestions below the search field while somebody types: a combobox with a list box (WAI-ARIA). Enter without a chosen
// suggestion, and all pages without JavaScript, go to the page of results.
import { forEach } from "./delegation.js";

const PAUSE_MS = 200;

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function option(id, { label, detail, url }) {
  const shown = element("a", { id, role: "option", href: url, tabindex: "-1", "aria-selected": "false" });
  shown.append(element("span", { class: "suggestion-label" }, label));
  if (detail) shown.append(element("span", { class: "suggestion-detail" }, detail));
  return shown;
}

function searchBox(form) {
  const input = form.elements.q;
  const list = form.querySelector("[role=listbox]");
  const status = form.querySelector("[role=status]");
  let timer;
  let asked = null;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  function choose(wanted) {
    chosen()?.setAttribute("aria-selected", "false");
    wanted?.setAttribute("aria-selected", "true");
    wanted?.scrollIntoView({ block: "nearest" });
    if (wanted) input.setAttribute("aria-activedescendant", wanted.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  }

  // Nothing that was asked for before may open the list again.
  function close() {
    clearTimeout(timer);
    asked?.abort();
    show(false);
  }

  function fill({ groups, status: counted, more }) {
    let number = 0;
    const nextId = () => `${list.id}-${(number += 1)}`;
    const parts = groups.map((group) => {
      const heading = element("div", { id: nextId(), class: "suggestion-group", role: "presentation" }, group.label);
      const rows = group.options.map((each) => option(nextId(), each));
      return element("div", { role: "group", "aria-labelledby": heading.id }, heading, ...rows);
    });
    if (more) parts.push(option(nextId(), more));
    list.replaceChildren(...parts);
    status.textContent = counted;
    show(parts.length > 0);
  }

  async function suggest() {
    asked?.abort();
    const text = input.value.trim();
    if (!text) {
      status.textContent = "";
      close();
      return;
    }
    const request = new AbortController();
    asked = request;
    try {
      const url = `${form.dataset.suggests}?${new URLSearchParams({ q: text })}`;
      const answer = await fetch(url, { signal: request.signal });
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
      const found = answer.ok && isJson ? await answer.json() : null;
      if (request.signal.aborted) return;
      if (found) fill(found);
      else show(false);
    } catch {
      // Without suggestions, Enter still leads to the page of results.
      if (!request.signal.aborted) show(false);
    }
  }

  function suggestSoon() {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE_MS);
  }

  function step(event, by) {
    event.preventDefault();
    if (list.hidden) {
      if (list.children.length) show(true);
      else suggest();
      return;
    }
    const all = options();
    const place = all.indexOf(chosen());
    const next = place < 0 ? (by > 0 ? 0 : all.length - 1) : (place + by + all.length) % all.length;
    choose(all[next]);
  }

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-controls", list.id);
  show(false);

  // While an input method composes, the text is not what is meant yet.
  input.addEventListener("input", (event) => {
    if (!event.isComposing) suggestSoon();
  });
  input.addEventListener("compositionend", suggestSoon);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") step(event, 1);
    else if (event.key === "ArrowUp") step(event, -1);
    else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  form.addEventListener("submit", close);
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (!form.contains(relatedTarget)) close();
  });
}

forEach("form[data-suggests]", searchBox);

// "/" goes to the search field, unless it is typed into something.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { target } = event;
  if (target.closest("input, textarea, select, dialog, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const [input] = [...document.querySelectorAll("form[data-suggests] input[name=q]")].filter((each) => each.offsetParent);
  const link = document.querySelector("[data-search-link]");
  if (!input && !link) return;
  event.preventDefault();
  if (!input) {
    link.click();
    return;
  }
  input.focus();
  input.select();
});
