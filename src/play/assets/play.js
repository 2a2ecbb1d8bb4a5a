// The session: sends requests to the server, shows the results, and keeps the controls and the viewer up to date.
// Decides nothing; every word of a result comes from the server, and is inserted as text.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  // Rules shown with a result; the list of steps has all of them.
  const MOST_RULES = 4;
  let viewer = null;
  let busy = false;
  let session = null;

  // An element with properties and children; text stays text.
  function element(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "class") made.className = value;
      else if (name.includes("-")) made.setAttribute(name, value);
      else made[name] = value;
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  async function request(method, what, body) {
    const post = method === "POST";
    const options = { method, headers: post ? { "Content-Type": "application/json" } : {} };
    if (post) options.body = body === undefined ? "{}" : JSON.stringify(body);
    let response;
    try {
      response = await fetch(what, options);
    } catch {
      throw new Error("The playground no longer answers. Was it ended with Ctrl-C?");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || `The server answers ${response.status}.`);
    return answer;
  }

  // One request at a time: a request during another one is dropped, like a second press of a button.
  async function ask(what, body) {
    if (busy) return false;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      show(await request("POST", what, body), what);
      return true;
    } catch (error) {
      tell("bad", "Not done:", error.message, []);
      // The controls show the state, not the request.
      if (session) controls(session);
      return false;
    } finally {
      busy = false;
      document.body.removeAttribute("aria-busy");
    }
  }

  const act = (step) => ask("act", { step });
  const actText = (toml) => ask("act", { toml });

  function show(answer, what) {
    const { told, state, bundle } = answer;
    session = state;
    controls(state);
    const step = told && bundle.steps.find((step) => step.step === told.step);
    watch(bundle, step);
    if (told) result(told, step);
    else if (what === "undo") tell("", "Undone.", state.undo ? `Last step: ${state.undo}.` : "No steps are left.", []);
    else if (what === "reset") tell("", "Back at the start.", state.redo ? "Redo continues, step by step." : "", []);
  }

  function controls(state) {
    $("title").textContent = state.title;
    document.title = `${state.title || "A lab"} – macvlab play`;
    const buttons = [["undo", state.undo, "Undo", "Ctrl+Z"], ["redo", state.redo, "Redo", "Ctrl+Shift+Z"]];
    for (const [id, next, word, keys] of buttons) {
      $(id).disabled = next === null;
      $(id).title = next === null ? `Nothing to ${id}` : `${word}: ${next} (${keys})`;
    }
    $("reset").disabled = state.undo === null;
    playControls.render($("panel"), state, { act, actText, element });
  }

  // The viewer plays the last action; after an undo it is at the end.
  function watch(bundle, step) {
    if (viewer === null) {
      viewer = macvlab.mount($("viewer"), bundle, { start: Math.max(0, bundle.moments.length - 1) });
      viewer.addEventListener("device", ({ detail }) => playControls.toggleHairpin(session, detail.name));
      playControls.droppable($("viewer"), () => session);
    } else if (step) {
      macvlab.update(bundle, { from: step.first, play: true });
      // On a narrow screen the lab is below the controls.
      if (step.hops > 0 && matchMedia("(max-width: 999px)").matches) $("viewer").scrollIntoView({ block: "start" });
    } else {
      macvlab.update(bundle, { from: Math.max(0, bundle.moments.length - 1), play: false });
    }
  }

  // The outcome of an action, in sentences: each rule once, with all its effects.
  function result(told, step) {
    const rules = new Map();
    for (const because of told.because) {
      const known = rules.get(because.rule);
      if (known) known.did.push(because.text);
      else rules.set(because.rule, { ...because, did: [because.text] });
    }
    const lines = [...rules.values()].slice(0, MOST_RULES).map((rule) => reason(rule, told.outcome));
    if (told.failed && step.hops === 0 && lines.length === 0) lines.push(element("span", { class: "why" }, "No frame was sent."));
    if (rules.size > MOST_RULES) lines.push(element("span", { class: "why" }, "The list of steps shows more rules for this step."));
    if (told.failed && told.asks) lines.push(helpButton(told.step));
    tell(told.failed ? "bad" : "good", `${told.action}:`, `${told.outcome}.`, lines);
  }

  // What to begin with: a question, and what may change its answer.
  function tries(state) {
    const hairpin = state.devices.find((d) => d.kind === "switch-port" && d.flags.some(([key, on]) => key === "hairpin" && !on)
      && state.devices.some((x) => x.kind === "macvlan" && d.name.endsWith(`.${x.parent}`)));
    const [from, to] = playControls.pair(state);
    const ask = from && to && element("button", { type: "button", "data-key": "try ask" }, `${from} pings ${to}`);
    ask?.addEventListener("click", () => act({ ping: { from, to } }));
    const reflect = hairpin && element("button", { type: "button", "data-key": "try hairpin" }, `Turn hairpin on at ${hairpin.name}`);
    reflect?.addEventListener("click", () => act({ set: { switch: hairpin.parent, port: hairpin.name.slice(hairpin.parent.length + 1), hairpin: true } }));
    const both = [ask, reflect].filter(Boolean);
    if (!both.length) return null;
    return element("span", { class: "tries" }, "Try: ", ...both, " or click the end of a cable at the switch.");
  }

  function helpButton(step) {
    const button = element("button", { type: "button", class: "help", "data-key": "help" }, "What would help?");
    button.addEventListener("click", async () => {
      if (busy) return;
      busy = true;
      document.body.setAttribute("aria-busy", "true");
      try {
        help(await request("POST", "why", { step }));
      } catch (error) {
        help({ remedies: [], told: error.message });
      } finally {
        busy = false;
        document.body.removeAttribute("aria-busy");
      }
    });
    return button;
  }

  function help(answer) {
    $("help").hidden = false;
    $("help").replaceChildren(...macvlab.panels.remedies(answer));
  }

  function reason({ rule, title, why, did }, outcome) {
    // The text of a refusal names its rule.
    if (outcome.includes(`${rule} ${title}`)) return element("span", { class: "why" }, why);
    return element("span", { class: "why" }, element("span", { class: "rule" }, rule), " ",
      element("span", { class: "name" }, title), `: ${did.join("; ")}. ${why}`);
  }

  function tell(kind, what, outcome, lines) {
    $("help").hidden = true;
    const mark = { good: "✓ ", bad: "✗ " }[kind] || "";
    const place = $("result");
    place.className = kind;
    place.replaceChildren(
      element("span", { class: "mark" }, mark), element("strong", {}, what), ` ${outcome}`, ...lines,
    );
  }

  // Undo and redo by keyboard, except in text fields, which have their own undo.
  function keys(event) {
    const typing = event.target.closest("textarea, input:not([type=checkbox])");
    if (typing || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    const what = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : null;
    if (what === null || $(what).disabled) return;
    event.preventDefault();
    ask(what);
  }

  async function start() {
    for (const what of ["undo", "redo", "reset"]) $(what).addEventListener("click", () => ask(what));
    document.addEventListener("keydown", keys);
    try {
      const answer = await request("GET", "state");
      show(answer, "state");
      const many = answer.state.done.length;
      const first = many === 0 ? "" : `So far: ${many} ${many === 1 ? "step" : "steps"}.`;
      tell("", "Change something, ask, and watch.", first, many === 0 ? [tries(answer.state)] : []);
    } catch (error) {
      tell("bad", "The playground cannot be shown:", error.message, []);
    }
  }

  start();
})();
