// Opens what users bring: a pasted or dropped text, which may be a lab or anything that `macvlab import` reads, and captures for
// its steps. Shows what is wrong with it; remedies are steps, which the session executes. All of it is text, never markup.
"use strict";

const playOpen = (() => {
  const { t } = macvlab;
  const $ = (id) => document.getElementById(id);
  // The first bytes of pcap, in both byte orders and resolutions, and of pcapng.
  const CAPTURES = ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a"];
  // Longer texts are refused by the engine; they need not be read.
  const MAX_TEXT = 4 * 1024 * 1024;
  // { element, request, transport, state, refresh, act, tell }, from the session.
  let session;

  // The form; what was typed stays.
  function render() {
    const { element } = session;
    const typed = $("open").querySelector("textarea")?.value ?? "";
    const text = element("textarea", { rows: 8, spellcheck: false, value: typed, "aria-label": t("A lab, or a description of a network"),
      placeholder: "docker network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 lan\ndocker run -d --name web --network lan nginx" });
    const file = element("input", { type: "file", multiple: true, hidden: true });
    const choose = element("button", { type: "button" }, t("Choose a file …"));
    const form = element("form", {}, text, element("div", { class: "buttons" },
      element("button", { type: "submit", class: "main" }, t("Open")), choose, file));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      open(text.value);
    });
    choose.addEventListener("click", () => file.click());
    file.addEventListener("change", () => files([...file.files]).then(() => (file.value = "")));
    $("open").replaceChildren(form, element("p", { class: "hint" },
      t("Paste commands, the output of tools, a compose file, a configuration or a lab, or drop files on the page: captures, too. Nothing leaves this machine.")));
  }

  // Builds the form, and takes files that are dropped anywhere.
  function mount(tools) {
    session = tools;
    render();
    $("paste").addEventListener("click", () => {
      $("open").hidden = !$("open").hidden;
      $("paste").setAttribute("aria-expanded", String(!$("open").hidden));
      if (!$("open").hidden) $("open").querySelector("textarea").focus();
    });
    addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
    addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      files([...event.dataTransfer.files]);
    });
  }

  async function files(list) {
    for (const file of list) await one(file);
  }

  async function one(file) {
    const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
    const magic = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (CAPTURES.includes(magic)) return capture(file);
    if (file.size > MAX_TEXT) return session.tell("bad", t("Not done:"), t("{}: longer than {} bytes", file.name, MAX_TEXT), []);
    return open(await file.text());
  }

  // A capture is there for steps; the first one that replays it is proposed.
  async function capture(file) {
    const { capture: add } = session.transport;
    if (!add) return session.tell("bad", t("Not done:"), t("give the program the lab that replays {}.", file.name), []);
    if (!(await session.request(async () => add(file.name, new Uint8Array(await file.arrayBuffer()))))) return;
    const nic = session.state().devices.find((device) => device.kind === "nic");
    playControls.propose(`replay = { capture = ${JSON.stringify(file.name)}, at = ${JSON.stringify(nic?.name ?? "eth0")} }`);
    session.refresh();
    session.tell("good", t("{} can be replayed.", file.name), t("The step for it is proposed under “Any other step”."), []);
  }

  async function open(text) {
    if (!(await session.request(() => session.transport.request("open", { text }), "open"))) return;
    $("open").hidden = true;
    $("paste").setAttribute("aria-expanded", "false");
    // A lesson asks itself what is wrong.
    if (playLessons.taken()) $("findings").hidden = true;
    else await find();
  }

  // The same in the page's language, which has changed.
  async function again() {
    render();
    if (!$("findings").hidden) await find();
  }

  // What is wrong with it, beside the diagram.
  async function find() {
    const { element } = session;
    const place = $("findings");
    place.hidden = false;
    place.replaceChildren(element("p", {}, t("Looking for what will not work …")));
    try {
      const found = await session.transport.request("findings");
      const list = found.map(finding);
      place.replaceChildren(heading(found), ...(list.length ? [element("ol", {}, ...list)] : []));
    } catch (error) {
      place.replaceChildren(element("p", {}, error.message));
    }
  }

  function heading(found) {
    const { element } = session;
    const close = element("button", { type: "button", class: "close", title: t("Close"), "aria-label": t("Close") }, "✕");
    close.addEventListener("click", () => ($("findings").hidden = true));
    const told = found.length ? t("What was found: {}", found.length) : t("Every machine reaches every other one: nothing was found.");
    return element("p", {}, close, element("strong", {}, told));
  }

  function finding(found) {
    const { element } = session;
    const severity = { error: t("error"), warning: t("warning"), info: t("note") };
    const at = found.at && t("line {}", found.at.line);
    const others = found.others ? element("p", {}, t("The same between others of {}: {} more pairs", found.devices.join(t(", ")), found.others)) : null;
    return element("li", { class: found.severity }, element("p", {}, element("b", {}, severity[found.severity]), ` ${found.told}`, at ? ` (${at})` : ""), others,
      ...found.remedies.map((remedy) => element("details", {}, element("summary", {}, remedy.reads),
        remedy.lines.length ? element("pre", {}, remedy.lines.join("\n")) : null,
        remedy.breaks.length ? element("p", {}, t("But it breaks the way from {}.", remedy.breaks.map(([from, to]) => t("{} to {}", from, to)).join(t(", ")))) : null,
        apply(remedy.steps, found.pair))));
  }

  // A button that executes the steps of a remedy, and asks again; none if it has no steps.
  function apply(steps, pair) {
    if (!steps.length) return null;
    const button = session.element("button", { type: "button" }, t("Apply"));
    button.addEventListener("click", async () => {
      for (const step of steps) if (!(await session.act({ toml: step }))) return;
      if (pair) await session.act({ step: { ping: { from: pair[0], to: pair[1] } } });
    });
    return button;
  }

  return { mount, again, apply };
})();
