// Loading other pages of the portal, parts of which are inserted into this one.

export async function fetchPage(address) {
  const answer = await fetch(address);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Marks an element as busy while the work lasts. If the element is already busy, the work is not started.
export async function whileBusy(element, work) {
  if (element.hasAttribute("aria-busy")) return;
  element.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    element.removeAttribute("aria-busy");
  }
}
