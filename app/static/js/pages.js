// Other pages of the portal, from which a part is taken into this one.

export async function fetchPage(address) {
  const answer = await fetch(address);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Marks an element as busy while the work lasts. An element that is busy already starts nothing.
export async function whileBusy(element, work) {
  if (element.hasAttribute("aria-busy")) return;
  element.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    element.removeAttribute("aria-busy");
  }
}
