// Makes the pages quicker to use. Every page works without it.
//
// It runs before the page's body is there, so that no form of a page that comes slowly is sent without being asked
// about. What needs the body waits for it: see `forEach`.
"use strict";

const BUSY_MS = 20000;
const NOTE_MS = 60000;

function on(type, selector, handler) {
  document.addEventListener(type, (event) => {
    const found = event.target instanceof Element && event.target.closest(selector);
    if (found) handler(found, event);
  });
}

// Each part of the page that is like the selector, when the page is there.
function forEach(selector, handler) {
  document.addEventListener("DOMContentLoaded", () => {
    for (const found of document.querySelectorAll(selector)) handler(found);
  });
}

// A form or a button with data-confirm="<id of a dialog>" sends after the dialog was closed with OK.
on("submit", "form", (form, event) => {
  if (event.submitter?.hasAttribute("data-unconfirmed")) return;
  if (form.dataset.confirmed) {
    delete form.dataset.confirmed;
    return;
  }
  const { submitter } = event;
  const id = submitter?.dataset.confirm ?? form.dataset.confirm;
  const dialog = document.getElementById(id);
  if (id && (dialog || document.readyState === "loading")) event.preventDefault();
  if (!dialog) return;
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "ok") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter);
    },
    { once: true },
  );
  dialog.showModal();
});

// Buttons that open or close a dialog. Without JavaScript such a button submits its form, and the page comes back with
// the dialog open. A dialog the page has not got yet is taken from there.
async function fetchDialog(button) {
  const address = new URL(button.form.action);
  address.search = new URLSearchParams(new FormData(button.form));
  const answer = await fetch(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const dialog = page.getElementById(button.dataset.opens);
  dialog.open = false;
  button.form.after(dialog);
  prepare(dialog);
  return dialog;
}
on("click", "[data-opens]", async (button, event) => {
  event.preventDefault();
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const dialog = document.getElementById(button.dataset.opens) ?? (await fetchDialog(button));
    dialog.showModal();
  } catch {
    button.form.submit();
  } finally {
    button.removeAttribute("aria-busy");
  }
});
on("click", "dialog [data-closes]", (button, event) => {
  event.preventDefault();
  button.closest("dialog").close();
});
on("click", "dialog", (dialog, event) => {
  if (event.target === dialog) dialog.close();
});
// A dialog the page came with. One that shows itself has its words on the page too, for where no script runs.
forEach("dialog[open], dialog[data-shows-itself]", (dialog) => {
  dialog.open = false;
  dialog.showModal();
});

// What stands behind a menu and is long comes when the menu is opened, from the page on which it is open.
async function fill(menu, link) {
  const answer = await fetch(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  menu.querySelector(".filters-panel").replaceWith(page.getElementById(menu.id).querySelector(".filters-panel"));
}
document.addEventListener(
  "toggle",
  async ({ target: menu }) => {
    const link = menu.open && menu.querySelector("[data-fills]");
    if (!link || menu.hasAttribute("aria-busy")) return;
    menu.setAttribute("aria-busy", "true");
    try {
      await fill(menu, link);
    } catch {
      window.location = link.href;
    } finally {
      menu.removeAttribute("aria-busy");
    }
  },
  true,
);

on("click", "[data-prints]", () => window.print());

// What is being sent shows so, and is not sent twice.
function busy(form, submitter) {
  const button = submitter ?? form.querySelector("[type=submit]");
  setTimeout(() => {
    button?.setAttribute("aria-busy", "true");
    for (const each of form.querySelectorAll("button")) each.disabled = true;
  });
  const free = () => {
    button?.removeAttribute("aria-busy");
    for (const each of form.querySelectorAll("button")) each.disabled = false;
  };
  setTimeout(free, form.dataset.download === undefined ? BUSY_MS : 5000);
  window.addEventListener("pageshow", free, { once: true });
}

// A note that a file is being made goes when the file comes, which its answer says with a cookie, or after a while.
function showUntilItComes(note) {
  const forget = () => {
    document.cookie = "file_comes=; path=/; max-age=0";
  };
  const end = Date.now() + NOTE_MS;
  forget();
  note.hidden = false;
  const watch = setInterval(() => {
    if (!document.cookie.includes("file_comes=") && Date.now() < end) return;
    clearInterval(watch);
    forget();
    note.hidden = true;
  }, 500);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  busy(form, event.submitter);
  if (form.dataset.download !== undefined) {
    form.closest("dialog")?.close();
    const note = document.getElementById(form.dataset.download);
    if (note) showUntilItComes(note);
  }
});

// A form that sends itself, when somebody sees it: what loads a page in advance sends nothing.
function sendItself(form) {
  if (document.visibilityState === "visible") form.requestSubmit();
  else document.addEventListener("visibilitychange", () => sendItself(form), { once: true });
}
forEach("form[data-sends-itself]", sendItself);

// A value is asked for twice when it is a new one.
forEach("[data-again]", (again) => {
  const first = document.getElementById(again.dataset.again);
  const known = ["", ...again.dataset.known.split(" ")];
  const ask = () => {
    again.hidden = known.includes(first.value.trim());
  };
  first.addEventListener("input", ask);
  window.addEventListener("pageshow", ask);
});

// Menus close on a click elsewhere and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
window.matchMedia("(min-width: 992px)").addEventListener("change", () => {
  const menu = document.getElementById("side-menu");
  if (menu?.matches(":popover-open")) menu.hidePopover();
});

// Rows open in place. Their link asks the server for the same page with the row open; without JavaScript it is followed.
async function fillRow(row, link) {
  const answer = await fetch(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  row.replaceChildren(...page.getElementById(row.id).children);
}
async function toggleRow(link) {
  const row = document.getElementById(link.getAttribute("aria-controls"));
  if (link.hasAttribute("aria-busy")) return;
  if (!row.children.length) {
    link.setAttribute("aria-busy", "true");
    try {
      await fillRow(row, link);
    } catch {
      location.assign(link.href);
      return;
    } finally {
      link.removeAttribute("aria-busy");
    }
  }
  const open = row.hidden;
  row.hidden = !open;
  link.setAttribute("aria-expanded", String(open));
}
forEach(".row-toggle", (link) => link.setAttribute("role", "button"));
on("click", ".row-toggle", (link, event) => {
  event.preventDefault();
  toggleRow(link);
});
on("keydown", ".row-toggle", (link, event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  toggleRow(link);
});

// Only the inputs of the chosen period mode are sent.
function choosePeriod(period) {
  const mode = period.querySelector("input[type=radio]:checked")?.value;
  for (const group of period.querySelectorAll(".period-group")) {
    const off = !group.classList.contains(`period-${mode}`);
    for (const input of group.querySelectorAll("input")) input.disabled = off;
  }
}
forEach(".period", (period) => {
  choosePeriod(period);
  period.addEventListener("change", () => choosePeriod(period));
});

// 全選択, and the buttons that need at least one choice.
function shownBoxes(group) {
  return [...group.querySelectorAll("input[type=checkbox]")].filter((box) => !box.closest("[hidden]"));
}
function allTicked(boxes) {
  return boxes.length > 0 && boxes.every((box) => box.checked);
}
function countChoices(group) {
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
// What a page, or a dialog that came later, needs before it is used.
function prepare(part) {
  // What does nothing without JavaScript shows only with it.
  for (const each of part.querySelectorAll("[data-scripted]")) each.hidden = false;
  for (const group of part.querySelectorAll("[data-choices]")) {
    const toggle = group.querySelector("[data-ticks-all]");
    // A submit button only without JavaScript: Enter in the form would press it.
    if (toggle) toggle.type = "button";
    countChoices(group);
    group.addEventListener("change", (event) => {
      if (event.target.matches("[data-all]")) {
        for (const box of group.querySelectorAll("input[type=checkbox]")) box.checked = event.target.checked;
      }
      countChoices(group);
    });
  }
}
document.addEventListener("DOMContentLoaded", () => prepare(document));
on("click", "[data-choices] [data-ticks-all]", (toggle) => {
  const group = toggle.closest("[data-choices]");
  const boxes = shownBoxes(group);
  const wanted = !allTicked(boxes);
  for (const box of boxes) box.checked = wanted;
  countChoices(group);
});
on("input", "[data-narrows]", (input) => {
  const words = input.value.trim().toLowerCase();
  for (const choice of document.querySelectorAll(`#${input.dataset.narrows} > *`)) {
    choice.hidden = !choice.textContent.toLowerCase().includes(words);
  }
  const group = input.closest("[data-choices]");
  if (group) countChoices(group);
});

// A placeholder goes where the cursor is, in the field that was typed in or clicked last: the way by Tab from there to
// the buttons leads through other fields. At the end of the body when none was.
forEach("[data-placeholders]", (form) => {
  let field = form.elements.body;
  if (field !== document.activeElement) field.setSelectionRange(field.value.length, field.value.length);
  for (const type of ["pointerdown", "keydown", "input"]) {
    form.addEventListener(type, ({ target, key }) => {
      if (target.matches("#subject, #body") && !["Tab", "Shift"].includes(key)) field = target;
    });
  }
  form.addEventListener("click", ({ target }) => {
    const text = target.dataset.inserts;
    if (text === undefined) return;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
});

// Copying a value that is shown once.
on("click", "[data-copies]", async (button) => {
  const input = document.getElementById(button.dataset.copies);
  input.select();
  await navigator.clipboard.writeText(input.value);
  button.querySelector("[data-done]").hidden = false;
});
forEach("[data-copies]", (button) => {
  button.hidden = !navigator.clipboard;
});

// The operator of a search condition is a part of the name of its input.
function nameByOperator(select) {
  document.getElementById(select.dataset.operatorOf).name = select.value;
}
on("change", "[data-operator-of]", nameByOperator);
// Conditions without a value are not sent.
document.addEventListener("formdata", (event) => {
  if (event.target.dataset.short === undefined) return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});
// What is ticked in a dialog stays so when more is searched for in it.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.carries === undefined) return;
  for (const box of target.closest("dialog").querySelectorAll("input[name=utm]:checked")) {
    formData.append(target.dataset.carries, box.value);
  }
});
on("submit", "form[method=get]", (form) => {
  for (const input of form.elements) {
    if (input.name?.startsWith("_flt_") && input.value === "") input.disabled = true;
  }
});

// What was filled in for somebody, they go on with at its end: from the moment the field has the focus, so that no letter
// typed while the page still comes lands before it.
document.addEventListener(
  "focusin",
  ({ target }) => {
    if (target.matches("input[type=text][autofocus]")) target.setSelectionRange(target.value.length, target.value.length);
  },
  { once: true },
);

forEach("[data-error-summary]", (summary) => summary.focus());
