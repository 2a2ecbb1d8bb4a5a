// The engine in a worker: { module } loads it, { id, name, body } asks, { id, kind, bytes } answers. Kinds are those of the
// module's `ask`; 5 means that it cannot be used any more.
"use strict";

const BROKEN = 5;
let loaded;

// What `unpacked`, which stands before this script, takes.
async function load(module) {
  const { instance } = await WebAssembly.instantiate(await unpacked(...module), {});
  return instance.exports;
}

function ask(engine, name, body) {
  const head = new TextEncoder().encode(name);
  // Asking for room may move the memory, and so may asking.
  const at = engine.room(head.length + body.length) >>> 0;
  const memory = new Uint8Array(engine.memory.buffer);
  memory.set(head, at);
  memory.set(body, at + head.length);
  let kind = BROKEN;
  try {
    kind = engine.ask(head.length);
  } catch (error) {
    // A panic leaves its text as the answer; a stack or a memory that is full does not.
    if (engine.answer_length() === 0) return { kind, bytes: new TextEncoder().encode(String(error)) };
  }
  const from = engine.answer() >>> 0;
  return { kind, bytes: new Uint8Array(engine.memory.buffer).slice(from, from + engine.answer_length()) };
}

onmessage = async ({ data }) => {
  if (data.module) {
    loaded = load(data.module);
    return;
  }
  let answer;
  try {
    answer = ask(await loaded, data.name, data.body);
  } catch (error) {
    answer = { kind: BROKEN, bytes: new TextEncoder().encode(`the engine cannot be loaded: ${error.message}`) };
  }
  postMessage({ id: data.id, ...answer }, [answer.bytes.buffer]);
};
