// What a step costs in the engine, after how many steps: `node web/measure.mjs [MODULE]`.
import { readFileSync } from "node:fs";

const path = process.argv[2] ?? new URL("../target/web/wasm32-unknown-unknown/release/macvlab_web.wasm", import.meta.url);
const before = performance.now();
const { instance } = await WebAssembly.instantiate(readFileSync(path), {});
const engine = instance.exports;
console.log(`compiled in ${(performance.now() - before).toFixed(0)} ms`);

function ask(name, body = "") {
  const bytes = new TextEncoder().encode(name + body);
  const at = engine.room(bytes.length) >>> 0;
  new Uint8Array(engine.memory.buffer).set(bytes, at);
  const kind = engine.ask(name.length);
  const from = engine.answer() >>> 0;
  const text = new TextDecoder().decode(new Uint8Array(engine.memory.buffer).slice(from, from + engine.answer_length()));
  if (kind !== 0) throw new Error(`${name}: ${text}`);
  return text;
}

const LAB = `[nic.eth0]
[macvlan.c1]
parent = "eth0"
mode = "bridge"
address = "192.0.2.1/24"
[macvlan.c2]
parent = "eth0"
mode = "bridge"
address = "192.0.2.2/24"
[switch.sw0.port.eth0]
`;
const step = JSON.stringify({ step: { ping: { from: "c1", to: "c2" } } });
const opened = performance.now();
ask("open", JSON.stringify({ text: LAB }));
console.log(`opened in ${(performance.now() - opened).toFixed(1)} ms`);
const times = [];
let length = 0;
for (let i = 1; i <= 10_000; i += 1) {
  const start = performance.now();
  try {
    length = ask("act", step).length;
  } catch (error) {
    console.log(`step ${i}: ${error.message}`);
    break;
  }
  times.push(performance.now() - start);
  if ([1, 100, 1_000, 4_000, 10_000].includes(i)) {
    const last = times.slice(-20).sort((a, b) => a - b);
    const memory = engine.memory.buffer.byteLength / 2 ** 20;
    console.log(`after ${i} steps: ${last[last.length >> 1].toFixed(2)} ms a step, ${length} bytes an answer, ${memory.toFixed(0)} MiB`);
  }
}
for (const name of ["state", "lab.toml", "undo"]) {
  const start = performance.now();
  const { length } = ask(name);
  console.log(`${name}: ${(performance.now() - start).toFixed(0)} ms, ${length} bytes`);
}
