// Carries the page's requests to the engine that is part of the page, in a worker. A refusal is an Error with a sentence for
// users. A worker that does not answer in time is ended; its successor repeats what was done before.
"use strict";

const playTransport = (() => {
  const text = (id) => document.getElementById(id).textContent;
  // The limits of a session, in milliseconds: of an action, and of all that an undo may repeat.
  const SHORT = 10_000;
  const LONG = 30_000;
  const LONG_ONES = ["open", "findings", "undo", "reset", "take", "part", "exercise", "run"];
  const CHANGES = ["open", "act", "undo", "redo", "reset", "take", "part", "exercise", "run"];
  const BROKEN = 5;
  const waiting = new Map();
  let worker = null;
  let url = null;
  let last = 0;
  // What leads to the current state: captures, a lab, and what was asked of its session since.
  let captures = new Map();
  let journal = [];

  function begin() {
    url ??= URL.createObjectURL(new Blob([`${unpacked}\n${text("page-worker")}`], { type: "text/javascript" }));
    worker = new Worker(url);
    worker.onmessage = ({ data: { id, kind, bytes } }) => {
      const answered = waiting.get(id);
      waiting.delete(id);
      answered?.(kind, bytes);
    };
    worker.onerror = (event) => end(macvlab.t("the engine stopped: {}", event.message));
    worker.postMessage({ module: packed("page-engine") });
  }

  function end(why) {
    worker?.terminate();
    worker = null;
    for (const answered of waiting.values()) answered(BROKEN, new TextEncoder().encode(why));
    waiting.clear();
  }

  // Sends one request to the worker.
  function send(name, body) {
    if (worker === null) begin();
    const limit = LONG_ONES.includes(name) ? LONG : SHORT;
    return new Promise((resolve, reject) => {
      const id = (last += 1);
      const late = () => end(macvlab.t("that was stopped after {} s, the limit of this page", limit / 1000));
      // Loading takes longer than a step.
      const timer = setTimeout(late, limit);
      waiting.set(id, (kind, bytes) => {
        clearTimeout(timer);
        if (kind === 0) return resolve(bytes);
        const error = new Error(new TextDecoder().decode(bytes));
        error.broken = kind === BROKEN;
        return reject(error);
      });
      worker.postMessage({ id, name: `${playLanguage.tag()}:${name}`, body });
    });
  }

  // The same, by a new worker if the last one ended.
  async function ask(name, body) {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body ?? new Uint8Array();
    try {
      if (worker === null) await again();
      return await send(name, bytes);
    } catch (error) {
      if (error.broken) end("");
      throw error;
    }
  }

  async function again() {
    for (const [name, bytes] of captures) await send(name, bytes);
    for (const [name, bytes] of journal) await send(name, bytes);
  }

  const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

  async function request(name, body) {
    const sent = body === undefined ? "" : JSON.stringify(body);
    const answer = json(await ask(name, sent));
    if (name === "open") journal = [];
    if (CHANGES.includes(name)) journal.push([name, new TextEncoder().encode(sent)]);
    return answer;
  }

  const open = (lab) => request("open", { text: lab });

  // Lets steps replay a capture.
  async function capture(name, bytes) {
    const answer = json(await ask(`capture ${name}`, bytes));
    captures.set(`capture ${name}`, bytes);
    return answer;
  }

  async function save(event) {
    event.preventDefault();
    const link = event.currentTarget;
    const name = link.getAttribute("href");
    const copy = URL.createObjectURL(new Blob([await ask(name)], { type: link.type }));
    const made = document.createElement("a");
    made.href = copy;
    made.download = name;
    made.click();
    setTimeout(() => URL.revokeObjectURL(copy), 10_000);
  }

  // Opens the lab of the address, or else that of the page. A link that cannot be used is said.
  async function start() {
    for (const link of document.querySelectorAll("a[download]")) link.addEventListener("click", save);
    const own = () => open(JSON.parse(text("page-lab")).text);
    try {
      const linked = await playShare.decode(location.hash);
      if (!linked) return await own();
      return { ...(await open(linked.lab)), moment: linked.moment };
    } catch (error) {
      return { ...(await own()), unusable: error.message };
    }
  }

  // An address that opens the current lab at this moment.
  const link = async (moment) => playShare.encode(await ask("lab.toml"), moment);

  return { request, start, open, capture, ask, link };
})();
