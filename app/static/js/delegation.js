// Listens on the document, so that parts of a page that are added later need no listeners of their own.

export function on(type, selector, handler) {
  document.addEventListener(type, (event) => {
    const found = event.target instanceof Element && event.target.closest(selector);
    if (found) handler(found, event);
  });
}

export function forEach(selector, handler) {
  for (const found of document.querySelectorAll(selector)) handler(found);
}
