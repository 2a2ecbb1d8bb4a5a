"use strict";
// The page's words. English is the key of a catalogue, which has the words of another language; text without an entry
// stays English.

// A sentence in the page's language; `{}` in it becomes the next value, `{1}` the second one.
macvlab.t = (english, ...values) => {
  let next = 0;
  return (macvlab.catalogue?.[english] ?? english).replace(/\{(\d*)\}/g, (_, number) => values[number === "" ? next++ : Number(number)]);
};

// The English texts of elements, by element.
macvlab.english = new WeakMap();

// Puts a tree that was written in English into the page's language: of elements with `data-t` their text, title and label.
macvlab.translate = (root) => {
  for (const one of root.querySelectorAll("[data-t]")) {
    if (!macvlab.english.has(one)) {
      const text = one.childElementCount === 0 ? one.textContent.trim() : "";
      macvlab.english.set(one, { text, title: one.title, "aria-label": one.getAttribute("aria-label") });
    }
    const { text, ...attributes } = macvlab.english.get(one);
    if (text) one.textContent = macvlab.t(text);
    for (const [name, value] of Object.entries(attributes)) if (value) one.setAttribute(name, macvlab.t(value));
  }
};
