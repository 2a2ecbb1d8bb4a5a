// The session: sends requests to the engine, shows the results, and keeps the controls and the viewer up to date.
// Decides nothing; every word of a result comes from the engine, and is inserted as text. `playTransport` carries the
// requests: it is another script of the page.
"use strict";

(() => {
  const { t } = macvlab;
  const $ = (id) => document.getElementById(id);
  // Rules shown with a result; the list of steps has all of them.
  const MOST_RULES = 4;
  let viewer = null;
  let busy = false;
  let session = null;
  // What is shown: { at, state, bundle }.
  let shown = null;
  // The parts of a bundle that grow.
  const LISTS = ["names", "texts", "rules", "frames", "drawings", "scenes", "moments", "decisions", "steps", "fdb", "neighbours"];

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

  // The whole of which an answer may be the latest part. Another page of the same session may have changed it meanwhile.
  async function current(answer) {
    const { after } = answer;
    if (after === null) return answer;
    if (shown.at.run !== after.run || shown.at.steps !== after.steps) {
      return { ...(await playTransport.request("state")), told: answer.told };
    }
    const { bundle, state } = answer;
    for (const list of LISTS) bundle[list] = append(shown.bundle[list], bundle[list]);
    state.done = append(shown.state.done, state.done);
    return answer;
  }

  function append(list, more) {
    for (const one of more) list.push(one);
    return list;
  }

  const ask = (what, body) => request(() => playTransport.request(what, body), what);

  // Shows the answer of what `carry` asks for.
  const request = (carry, what) => alone(async () => {
    try {
      await show(await current(await carry()), what);
      return true;
    } catch (error) {
      tell("bad", t("Not done:"), error.message, []);
      // The controls show the state, not the request.
      if (session) controls(session);
      return false;
    }
  });

  // One thing at a time: what is asked for during another one is dropped, like a second press of a button.
  async function alone(work) {
    if (busy) return false;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      return await work();
    } finally {
      busy = false;
      document.body.removeAttribute("aria-busy");
    }
  }

  const act = (step) => ask("act", { step });
  const actText = (toml) => ask("act", { toml });

  async function show(answer, what) {
    const { told, state, bundle } = answer;
    shown = answer;
    session = state;
    controls(state);
    const step = told && bundle.steps.find((step) => step.step === told.step);
    await playLessons.show(answer, what);
    // A part of a lesson is played from its first step.
    if (what === "language") viewer.rebuild(bundle);
    else watch(bundle, what === "run" ? bundle.steps.find((step) => step.step === playLessons.first()) : step);
    if (told) result(told, step);
    else if (what === "open") tell("good", t("Opened."), opened(state), state.done.length ? [] : [tries(state)]);
    else if (what === "undo") tell("", t("Undone."), state.undo ? t("Last step: {}.", state.undo) : t("No steps are left."), []);
    else if (playLessons.told()) tell("", ...playLessons.told(), []);
    else if (what === "reset") tell("", t("Back at the start."), state.redo ? t("Redo continues, step by step.") : "", []);
    else if (what === "language") last(state, bundle);
  }

  function opened({ done }) {
    if (done.length === 0) return "";
    return done.length === 1 ? t("So far: one step.") : t("So far: {} steps.", done.length);
  }

  // What a page begins with.
  const greet = (state) =>
    tell("", t("Change something, ask, and watch."), opened(state), state.done.length === 0 ? [tries(state)] : []);

  // The outcome of the last step, told again.
  function last(state, bundle) {
    const told = state.done.at(-1);
    if (told) result(told, bundle.steps.find((step) => step.step === told.step));
    else greet(state);
  }

  // The page in another language: what users typed and chose stays.
  const speak = (tag) => alone(async () => {
    try {
      await playLanguage.use(tag);
      await show(await playTransport.request("state"), "language");
      await playOpen.again();
    } catch (error) {
      tell("bad", t("Not done:"), error.message, []);
    }
  });

  function controls(state) {
    $("title").textContent = state.title;
    $("title").title = state.title;
    document.title = `${state.title || t("A lab")} – macvlab play`;
    const { undo, redo } = state;
    $("undo").disabled = undo === null;
    $("undo").title = undo === null ? t("Nothing to undo") : t("Undo: {} (Ctrl+Z)", undo);
    $("redo").disabled = redo === null;
    $("redo").title = redo === null ? t("Nothing to redo") : t("Redo: {} (Ctrl+Shift+Z)", redo);
    $("reset").disabled = undo === null;
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
    if (told.failed && step.hops === 0 && lines.length === 0) lines.push(element("span", { class: "why" }, t("No frame was sent.")));
    if (rules.size > MOST_RULES) lines.push(element("span", { class: "why" }, t("The list of steps shows more rules for this step.")));
    if (told.failed && told.asks) lines.push(helpButton(told.step));
    const lesson = playLessons.back();
    if (lesson) lines.push(lesson);
    tell(told.failed ? "bad" : "good", t("{}:", told.action), t("{}.", told.outcome), lines);
  }

  // What to begin with: a question, and what may change its answer.
  function tries(state) {
    const hairpin = state.devices.find((d) => d.kind === "switch-port" && d.flags.some(([key, on]) => key === "hairpin" && !on)
      && state.devices.some((x) => x.kind === "macvlan" && d.name.endsWith(`.${x.parent}`)));
    const [from, to] = playControls.pair(state);
    const ask = from && to && element("button", { type: "button", "data-key": "try ask" }, t("{} pings {}", from, to));
    ask?.addEventListener("click", () => act({ ping: { from, to } }));
    const reflect = hairpin && element("button", { type: "button", "data-key": "try hairpin" }, t("Turn hairpin on at {}", hairpin.name));
    reflect?.addEventListener("click", () => act({ set: { switch: hairpin.parent, port: hairpin.name.slice(hairpin.parent.length + 1), hairpin: true } }));
    const both = [ask, reflect].filter(Boolean);
    if (!both.length) return null;
    return element("span", { class: "tries" }, t("Try:"), " ", ...both, " ", t("or click the end of a cable at the switch."));
  }

  function helpButton(step) {
    const button = element("button", { type: "button", class: "help", "data-key": "help" }, t("What would help?"));
    button.addEventListener("click", () => alone(async () => {
      try {
        help(await playTransport.request("why", { step }));
      } catch (error) {
        help({ remedies: [], told: error.message });
      }
    }));
    return button;
  }

  function help(answer) {
    $("help").hidden = false;
    $("help").replaceChildren(...macvlab.panels.remedies(answer, (remedy) => playOpen.apply(remedy.steps, [answer.from, answer.to])));
  }

  function reason({ rule, title, why, did }, outcome) {
    // The text of a refusal names its rule.
    if (outcome.includes(`${rule} ${title}`)) return element("span", { class: "why" }, why);
    return element("span", { class: "why" }, element("span", { class: "rule" }, rule), " ",
      element("span", { class: "name" }, title), t(": {}. {}", did.join(t("; ")), why));
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

  // The address leads to the lab as it is; so that it can be copied by hand as well, it is shown.
  async function copyLink() {
    try {
      history.replaceState(null, "", await playTransport.link(macvlab.viewer.index));
      const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
      tell("good", copied ? t("The link is copied.") : t("The link is the address of this page."), t("It contains the lab, its steps and this moment."), []);
    } catch (error) {
      tell("bad", t("Not done:"), error.message, []);
    }
  }

  async function start() {
    if (playTransport.link) {
      $("link").hidden = false;
      $("link").addEventListener("click", copyLink);
      addEventListener("hashchange", () => location.reload());
    }
    for (const what of ["undo", "redo", "reset"]) $(what).addEventListener("click", () => ask(what));
    document.addEventListener("keydown", keys);
    // Without its words it is shown in English; if nothing can be had, that is said below.
    await playLanguage.mount(speak).catch(() => {});
    playOpen.mount({ element, request, transport: playTransport, state: () => session, refresh: () => controls(session), act: (body) => ask("act", body), tell });
    playLessons.mount({ element, ask, alone, actText, go: (index) => macvlab.viewer.go(index) });
    try {
      const answer = await playTransport.start();
      await show(answer, "state");
      if (answer.moment !== undefined) macvlab.viewer.go(answer.moment);
      if (answer.unusable) return tell("bad", t("The link cannot be used:"), answer.unusable, []);
      if (answer.lesson) return await playLessons.begin();
      return greet(answer.state);
    } catch (error) {
      return tell("bad", t("The playground cannot be shown:"), error.message, []);
    }
  }

  start();
})();
