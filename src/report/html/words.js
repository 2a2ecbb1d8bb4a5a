"use strict";
// The page's words. English is the key of a catalogue, which has the words of another language; text without an entry
// stays English.

// A sentence in the page's language; `{}` in it becomes the next value, `{1}` the second one.
macvlab.t = (english, ...values) => {
  let next = 0;
  return (macvlab.catalogue?.[english] ?? english).replace(/\{(\d*)\}/g, (_, number) => values[number === "" ? next++ : Number(number)]);
};
