// Menus that are <details> elements, and the side menu.
import { fetchPage, whileBusy } from "./pages.js";

// The long content of a menu is loaded when it is opened, from the page on which the menu is open.
async function fill(menu, link) {
  const page = await fetchPage(link.href);
  menu.querySelector(".filters-panel").replaceWith(page.getElementById(menu.id).querySelector(".filters-panel"));
}

// In the capture phase, because a toggle event does not bubble.
document.addEventListener(
  "toggle",
  ({ target: menu }) => {
    const link = menu.open && menu.matches(".filters") && menu.querySelector("[data-fills]");
    if (!link) return;
    whileBusy(menu, async () => {
      try {
        await fill(menu, link);
      } catch {
        window.location = link.href;
      }
    });
  },
  true,
);

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

// The side menu is a column from this width on; an open popover would cover the page.
window.matchMedia("(min-width: 992px)").addEventListener("change", () => {
  const menu = document.getElementById("side-menu");
  if (menu?.matches(":popover-open")) menu.hidePopover();
});
