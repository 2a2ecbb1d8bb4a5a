// The page's own parts and its engine are packed. This unpacks the parts and adds them; the engine's worker does the same
// with the engine.
"use strict";

// Unpacks what a text contains, which becomes so many bytes, by the module of web/unpack. A character of the text has seven bits;
// three characters cannot stand in an element, and others stand for them.
async function unpacked(unpacker, text, length) {
  const OTHERS = [0, 13, 60];
  const module = Uint8Array.from(atob(unpacker), (c) => c.charCodeAt(0));
  const { exports } = (await WebAssembly.instantiate(module, {})).instance;
  const size = (text.length * 7) >>> 3;
  const from = exports.room(size, length) >>> 0;
  if (from === 0) throw new Error("there is not enough memory");
  const bytes = new Uint8Array(exports.memory.buffer, from, size + length);
  let [bits, held, at] = [0, 0, 0];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    bits = (bits << 7) | (code < 128 ? code : OTHERS[code - 192]);
    held += 7;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >>> held;
    bits &= (1 << held) - 1;
  }
  exports.unpack(from, size, length);
  return bytes.slice(size);
}

// What the unpacking of an element's text takes.
function packed(id) {
  const { textContent, dataset } = document.getElementById(id);
  return [document.getElementById("page-unpack").textContent, textContent, Number(dataset.length)];
}

(async () => {
  try {
    const parts = JSON.parse(new TextDecoder().decode(await unpacked(...packed("page-parts"))));
    // The page's policy knows each of them by its hash.
    for (const [tag, type, id, text] of parts) {
      const made = document.createElement(tag);
      if (type) made.type = type;
      if (id) made.id = id;
      made.textContent = text;
      document.head.append(made);
    }
  } catch (error) {
    document.getElementById("result").textContent = `This browser cannot show the page: ${error.message}`;
  }
})();
