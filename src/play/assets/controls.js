// The control panel, rebuilt from the session's state. Each control executes a step of a lab file.
"use strict";

const playControls = (() => {
  const { t } = macvlab;
  // User input outlives the panel: open sections, and values of forms.
  const wide = matchMedia("(min-width: 1000px)").matches;
  const open = new Map([["ask", true], ["ports", wide], ["switches", wide]]);
  const typed = new Map();
  // Of the steps run, the last ones are listed; the viewer has all.
  const MOST_DONE = 100;
  let element, act, actText;
  // What a dragged mode is called, and what can be a parent.
  const CHIP = "application/x-macvlab-mode";
  const PARENTS = ["nic", "dummy", "bond", "vlan", "switch"];

  function render(panel, state, tools) {
    ({ element, act, actText } = tools);
    const before = panel.contains(document.activeElement) ? document.activeElement : null;
    const focused = before && [before, before.closest("details").firstChild].map((e) => e.dataset.key);
    // Without two devices to ask, frames are sent by hand.
    if (!open.has("frame")) open.set("frame", talkers(state).length < 2);
    panel.replaceChildren(
      asking(state), ports(state), switches(state), frame(state), others(state), anyStep(state), done(state),
    );
    if (!focused) return;
    // If the focused control is gone, its section gets the focus.
    const now = new Map([...panel.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e]));
    (now.get(focused[0]) || now.get(focused[1]))?.focus({ preventScroll: true });
  }

  // Small parts ------------------------------------------------------------------------------------------------------

  function section(key, title, ...children) {
    const made = element("details", { open: open.get(key) || false }, keyed(`section ${key}`, element("summary", {}, title)));
    made.addEventListener("toggle", () => open.set(key, made.open));
    made.append(...children.filter(Boolean));
    return made;
  }

  function keyed(key, made) {
    made.dataset.key = key;
    return made;
  }

  // A field that remembers the user's input.
  function remembered(key, made, value) {
    const options = made.options && [...made.options].map((option) => option.value);
    const before = typed.get(key);
    made.value = before !== undefined && (!options || options.includes(before)) ? before : value;
    made.addEventListener("input", () => typed.set(key, made.value));
    return keyed(key, made);
  }

  function choice(key, label, values, value) {
    const made = element("select", { "aria-label": label });
    for (const [name, text] of values.map((v) => (Array.isArray(v) ? v : [v, v]))) {
      made.append(element("option", { value: name }, text));
    }
    return remembered(key, made, value ?? made.options[0]?.value ?? "");
  }

  const input = (key, label, value, more) =>
    remembered(key, element("input", { type: "text", "aria-label": label, autocomplete: "off", spellcheck: false, ...more }), value);

  const field = (text, control) => element("label", { class: "field" }, element("span", {}, text), control);

  function button(key, text, run, more) {
    const made = keyed(key, element("button", { type: "button", ...more }, text));
    made.addEventListener("click", run);
    return made;
  }

  function check(key, text, label, checked, run) {
    const box = keyed(key, element("input", { type: "checkbox", checked, "aria-label": label }));
    box.addEventListener("change", () => run(box.checked));
    return element("label", { class: "check" }, box, text);
  }

  function form(run, ...children) {
    const made = element("form", {}, ...children);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
    return made;
  }

  const submit = (key, text) => keyed(key, element("button", { type: "submit", class: "main" }, text));

  // Devices ----------------------------------------------------------------------------------------------------------

  const isPort = (device) => device.kind === "macvlan" || device.kind === "macvtap";
  const isEnd = (device) => device.kind !== "switch" && device.kind !== "switch-port";
  const names = (devices) => devices.map((device) => device.name);
  const talkers = (state) => state.devices.filter((device) => isEnd(device) && device.addresses.length > 0);

  // Sections ---------------------------------------------------------------------------------------------------------

  // The first two of whom one may ask the other: ports, if there are any.
  function pair(state) {
    const who = names(talkers(state));
    const ports = names(talkers(state).filter(isPort));
    const from = ports[0] || who[0];
    return [from, ports[1] || who.find((name) => name !== from)];
  }

  function asking(state) {
    const who = names(talkers(state));
    const [sender, target] = pair(state);
    const from = choice("ask from", t("Sender"), who, sender);
    const to = choice("ask to", t("Target"), who, sender === from.value ? target : who.find((name) => name !== from.value));
    const verbs = [["ping", t("pings")], ["arping", t("sends an ARP request for")], ["udp", t("sends UDP to")], ["tcp", t("connects by TCP to")]];
    const verb = choice("ask verb", t("How"), verbs, "ping");
    const run = () => act({ [verb.value]: { from: from.value, to: to.value } });
    const body = who.length > 1
      ? form(run, element("div", { class: "asking" }, from, verb, to, submit("ask go", t("Go"))))
      : element("p", { class: "hint" }, t("Two devices with IP addresses are needed. Frames can be sent by hand, below."));
    return section("ask", t("Ask"), body);
  }

  function upDown(device) {
    return check(`up ${device.name}`, t("up"), t("{} is up", device.name), device.up, (up) => act({ set: { device: device.name, up } }));
  }

  function remove(device) {
    const label = { class: "small", title: t("Remove {}", device.name), "aria-label": t("Remove {}", device.name) };
    return button(`remove ${device.name}`, t("Remove"), () => act({ remove: device.name }), label);
  }

  function flush(device) {
    if (device.addresses.length === 0) return null;
    const label = { class: "small", title: "ip neigh flush", "aria-label": t("Flush the neighbours of {}", device.name) };
    return button(`flush ${device.name}`, t("Flush neighbours"), () => act({ set: { device: device.name, neighbours: { flush: true } } }), label);
  }

  const about = (device) =>
    element("div", { class: "about" }, [device.mac, ...device.addresses].filter(Boolean).join(" · "));

  // All modes are visible; each is a button, because a list would change the mode with every arrow key.
  function modes(device, state) {
    const buttons = state.modes.map((mode) => button(`mode ${device.name} ${mode}`, mode,
      () => act({ set: { device: device.name, mode } }), { "aria-pressed": String(mode === device.mode) }));
    return element("div", { class: "modes", role: "group", "aria-label": t("Mode of {}", device.name) }, ...buttons);
  }

  // The active port of a bond, as `ifenslave -c` chooses it.
  function bonded(device, state) {
    const ports = names(state.devices.filter((port) => port.master === device.name));
    if (device.kind !== "bond" || ports.length === 0) return null;
    const buttons = ports.map((port) => button(`active ${device.name} ${port}`, port,
      () => act({ set: { device: device.name, active: port } }), { "aria-pressed": String(port === device.active) }));
    return element("div", { class: "modes", role: "group", "aria-label": t("Active port of {}", device.name) }, ...buttons);
  }

  function ports(state) {
    const list = state.devices.filter(isPort).map((device) => element("div", { class: "device" },
      element("span", { class: "name" }, device.name), upDown(device), remove(device), modes(device, state), about(device), flush(device)));
    const hint = list.length === 0 ? t("There are no ports.") : t("A port forgets its neighbours when it goes down and up again.");
    return section("ports", t("Ports"), element("div", {}, ...list), element("p", { class: "hint" }, hint), adding(state));
  }

  // Proposes an unused name and IP address.
  function proposals(state) {
    const taken = new Set(names(state.devices));
    let number = 1;
    while (taken.has(`c${number}`)) number += 1;
    const used = new Set(state.devices.flatMap((device) => device.addresses.map((a) => a.split("/")[0])));
    const sample = talkers(state).filter(isPort).concat(talkers(state)).flatMap((d) => d.addresses).find((a) => /^[0-9.]+\/24$/.test(a));
    if (!sample) return [`c${number}`, ""];
    const net = sample.slice(0, sample.lastIndexOf("."));
    let last = 240;
    while (last < 254 && used.has(`${net}.${last}`)) last += 1;
    return [`c${number}`, `${net}.${last}/24`];
  }

  const parents = (state) => names(state.devices.filter((device) => PARENTS.includes(device.kind) || isPort(device)));

  function adding(state) {
    if (parents(state).length === 0) return null;
    const [freeName, freeAddress] = proposals(state);
    const chips = state.modes.map((mode) => {
      const chip = element("span", { class: "chip", draggable: true, title: t("Drag onto a NIC of the diagram: {} in mode {}", freeName, mode) }, mode);
      chip.addEventListener("dragstart", (event) => event.dataTransfer.setData(CHIP, mode));
      return chip;
    });
    const name = input("add name", t("Name of the new port"), freeName);
    const parent = choice("add parent", t("Its parent"), parents(state));
    const mode = choice("add mode", t("Its mode"), state.modes, "vepa");
    const address = input("add address", t("Its IP address with prefix length"), freeAddress, { placeholder: t("none") });
    const run = () => {
      const port = { macvlan: name.value, parent: parent.value, mode: mode.value };
      if (address.value.trim()) port.address = address.value.trim();
      typed.delete("add name");
      typed.delete("add address");
      act({ add: port });
    };
    const hint = element("p", { class: "hint" }, t("Drag a mode onto a device of the diagram, or fill in:"));
    return section("add", t("Add a port"), hint, element("div", { class: "chips" }, ...chips), form(run, field(t("name"), name), field(t("parent"), parent),
      field(t("mode"), mode), field(t("address"), address), submit("add go", t("Add"))));
  }

  function switches(state) {
    const list = state.devices.filter((device) => device.kind === "switch-port").map((port) => {
      const device = port.name.slice(port.parent.length + 1);
      const flag = ([key, on]) => check(`flag ${port.name} ${key}`, key, t("{} at {}", key, port.name), on,
        (value) => act({ set: { switch: port.parent, port: device, [key]: value } }));
      const [first, ...rest] = port.flags;
      return element("div", {}, element("div", { class: "device" },
        element("span", { class: "name" }, port.name), first ? flag(first) : null),
        rest.length ? section(`flags ${port.name}`, t("Other flags"), element("div", { class: "flags" }, ...rest.map(flag))) : null);
    });
    if (list.length === 0) list.push(element("p", { class: "hint" }, t("There is no switch.")));
    return section("switches", t("Switch ports"), element("div", {}, ...list));
  }

  function others(state) {
    const rest = state.devices.filter((device) => isEnd(device) && !isPort(device));
    const list = rest.map((device) => element("div", { class: "device" },
      element("span", { class: "name" }, `${device.name} `, element("span", { class: "hint" }, device.kind)),
      upDown(device), remove(device), bonded(device, state), about(device), flush(device)));
    return section("others", t("Other devices"), element("div", {}, ...list));
  }

  function frame(state) {
    const ends = names(state.devices.filter(isEnd));
    const at = choice("frame at", t("Sender of the frame"), ends, names(state.devices.filter(isPort))[0]);
    const kinds = [["broadcast", t("a broadcast")], ["unicast", t("a frame to")], ["arp", t("an ARP request for")],
      ["icmp", t("an echo request to")], ["udp", t("a UDP datagram to")], ["hex", t("these bytes")]];
    const kind = choice("frame kind", t("Kind of frame"), kinds, "broadcast");
    const to = choice("frame to", t("Destination"), ends, names(state.devices.filter(isPort))[1]);
    // Whose addresses it has as those of its sender: the experiment with a forged request needs another's.
    const owners = names(state.devices.filter((device) => isEnd(device) && device.mac));
    const as = choice("frame as", t("Whose addresses the frame has as its sender's"), [["", t("its own")], ...owners]);
    const hex = remembered("frame hex", element("textarea", { rows: 3, "aria-label": t("The frame in hex"), spellcheck: false,
      placeholder: "ffffffffffff 0242c0a880de 88b5 …" }), "");
    const wire = check("frame wire", t("from the wire"), t("It arrives from the wire, at a NIC"), typed.get("frame wire") || false,
      (on) => typed.set("frame wire", on));
    const bytes = field(t("bytes"), hex);
    const target = field(t("to"), to);
    const forged = field(t("sender"), as);
    const fit = () => {
      bytes.hidden = kind.value !== "hex";
      forged.hidden = kind.value === "hex";
      target.hidden = kind.value === "hex" || kind.value === "broadcast";
    };
    kind.addEventListener("input", fit);
    fit();
    const run = () => {
      const src = as.value ? { src: as.value } : {};
      const own = as.value ? { sender_mac: as.value, sender_ip: as.value } : {};
      const ip = as.value ? { ...src, from: as.value } : {};
      const bodies = {
        broadcast: { ethernet: src }, unicast: { ethernet: { dst: to.value, ...src } }, arp: { arp: { target_ip: to.value, ...src, ...own } },
        icmp: { icmp: { to: to.value, ...ip } }, udp: { udp: { to: to.value, ...ip } }, hex: { frame: hex.value.replace(/\s+/g, "") },
      };
      const from = wire.firstChild.checked ? { from: "wire" } : {};
      act({ inject: { at: at.value, ...from, ...bodies[kind.value] } });
    };
    return section("frame", t("Send a frame"), form(run, field(t("at"), at), field(t("what"), kind), target, forged, bytes, wire,
      submit("frame go", t("Send"))));
  }

  // Steps without a control, for the existing devices.
  function examples(state) {
    const port = state.devices.find(isPort) || state.devices[0];
    const other = state.devices.filter(isEnd).find((device) => device.mac && device !== port);
    const bridge = state.devices.find((device) => device.kind === "switch");
    const quote = JSON.stringify;
    return [
      'wait = "5m"',
      port && `set = { device = ${quote(port.name)}, mac = "02:00:00:00:00:99" }`,
      port && `set = { device = ${quote(port.name)}, promisc = true }`,
      port && other && `set = { device = ${quote(port.name)}, sources = { add = [${quote(other.mac)}] } }`,
      port && `inject = { at = ${quote(port.name)}, ethernet = { vlan = 10, pad = 60 } }`,
      bridge && `set = { switch = ${quote(bridge.name)}, ageing = "10s" }`,
    ].filter(Boolean);
  }

  function anyStep(state) {
    const text = remembered("step text", element("textarea", { rows: 3, "aria-label": t("A step of a lab file"), spellcheck: false,
      placeholder: 'ping = { from = "c1", to = "c2", count = 3 }' }), "");
    const example = keyed("step example", element("select", { "aria-label": t("Examples") }, element("option", { value: "" }, t("Examples …"))));
    example.append(...examples(state).map((step) => element("option", { value: step }, step)));
    example.addEventListener("input", () => {
      text.value = example.value;
      typed.set("step text", example.value);
    });
    const run = () => actText(text.value);
    return section("step", t("Any other step"), form(run,
      element("p", { class: "hint" }, t("Any step of a lab file, without [[step]]: set, add, remove, inject, wait, ping, arping, udp, tcp.")),
      example, text, submit("step go", t("Run"))));
  }

  // Puts a step where any can be typed.
  function propose(step) {
    typed.set("step text", step);
    open.set("step", true);
  }

  function done(state) {
    const from = Math.max(0, state.done.length - MOST_DONE);
    const list = state.done.slice(from).map((told) => element("li", {}, `${told.action}: `,
      element("span", { class: `outcome ${told.failed ? "bad" : "good"}` }, told.outcome)));
    if (state.redo !== null) list.push(element("li", { class: "undone" }, t("Redo runs: {}", state.redo)));
    if (list.length === 0) list.push(element("li", { class: "undone" }, t("nothing yet")));
    return section("done", t("Steps run ({})", state.done.length), element("ol", { class: "done", start: from + 1 }, ...list));
  }

  // A mode that is dragged onto a device of the diagram becomes a port there.
  function droppable(viewer, current) {
    const parent = (event) => {
      const device = event.target.closest?.("[data-device]")?.dataset.device;
      return event.dataTransfer.types.includes(CHIP) && parents(current()).includes(device) ? device : null;
    };
    viewer.addEventListener("dragover", (event) => {
      if (parent(event)) event.preventDefault();
    });
    viewer.addEventListener("drop", (event) => {
      const onto = parent(event);
      if (!onto) return;
      event.preventDefault();
      const [name, address] = proposals(current());
      const port = { macvlan: name, parent: onto, mode: event.dataTransfer.getData(CHIP) };
      act({ add: address ? { ...port, address } : port });
    });
  }

  // The end of a cable at a switch: a click turns hairpin on or off there.
  function toggleHairpin(state, name) {
    const port = state.devices.find((device) => device.name === name && device.kind === "switch-port");
    if (!port) return;
    const [, on] = port.flags.find(([key]) => key === "hairpin");
    act({ set: { switch: port.parent, port: port.name.slice(port.parent.length + 1), hairpin: !on } });
  }

  return { render, propose, pair, droppable, toggleHairpin };
})();
