"use strict";
// The panels beside the diagram: the moment in words, the steps, all hops, one frame, one device.

macvlab.panels = (() => {
  const { el, t } = macvlab;
  const AT = macvlab.AT;
  const KIND = macvlab.KIND;
  const ROW = 46;
  const MOST = 150;
  const sign = (kind) => ({ [KIND.ARRIVE]: t("↓ arrives"), [KIND.RECEIVE]: t("● receives"), [KIND.TRANSMIT]: t("→ sends"), [KIND.DROP]: t("✗ drops") }[kind]);

  const millis = (ns) => `${(ns / 1e6).toFixed(3)} ms`;
  const held = (step) => (step.held === true ? "✓" : step.held === false ? "✗" : "·");
  const heldWords = (step) => (step.held === true ? t("as expected") : step.held === false ? t("but expected: {}", step.expect) : "");

  // A rule's id and title, optionally with its reason.
  function rule(r, why = true) {
    return el("span", { class: "rule" }, el("b", { class: "chip" }, r.id), ` ${r.title}`, why ? el("span", { class: "why" }, r.why) : null);
  }

  // The findings at a moment, and the candidates that were filtered.
  function decision(bundle, m) {
    if (m[AT.DECISION] < 0) return [];
    const lines = [];
    const told = bundle.decisions[m[AT.DECISION]];
    const shut = new Map();
    for (const [, , r, goes, text] of told.ways) {
      if (goes) continue;
      if (!shut.has(r)) shut.set(r, []);
      shut.get(r).push(bundle.texts[text]);
    }
    for (const [r, ways] of shut) {
      const names = ways.length > 8 ? t("{} and {} more", ways.slice(0, 8).join(t(", ")), ways.length - 8) : ways.join(t(", "));
      if (r === m[AT.RULE]) lines.push(el("li", { class: "found" }, t("not forwarded {}", names)));
      else lines.push(el("li", { class: "shut" }, `✗ ${t("not forwarded {}", names)}: `, rule(bundle.rules[r])));
    }
    return [...lines, ...told.found.map((text) => el("li", { class: "found" }, bundle.texts[text]))];
  }

  // The moment in words.
  function narration(bundle, index) {
    const m = bundle.moments[index];
    const step = bundle.steps[m[AT.STEP] - 1];
    if (m[KIND_AT] === KIND.LAB) {
      const refused = bundle.drawings[bundle.scenes[0][1]].refused.map((text) => el("li", { class: "shut" }, `✗ ${text}`));
      const next = bundle.steps.length ? t("Play, or step forward with the right arrow key.") : t("Nothing has been sent yet. Click a device to see its addresses and ports.");
      return [el("h2", {}, t("The lab at the start")), el("p", {}, next), refused.length ? el("ul", {}, refused) : null];
    }
    if (m[KIND_AT] === KIND.STEP) return [el("h2", {}, t("Step {}: {}", step.step, step.title)), step.expect ? el("p", {}, t("Expected: {}", step.expect)) : null];
    if (m[KIND_AT] === KIND.RESULT) return result(bundle, step);
    const r = m[AT.RULE] < 0 ? null : bundle.rules[m[AT.RULE]];
    const lines = decision(bundle, m);
    return [
      el("h2", {}, bundle.texts[m[AT.TEXT]]),
      el("p", { class: "summary" }, bundle.frames[m[AT.FRAME]][1]),
      r ? el("p", {}, rule(r)) : null,
      lines.length ? el("ul", {}, lines) : null,
    ];
  }

  function result(bundle, step) {
    const words = heldWords(step);
    return [
      el("h2", { class: step.held === false ? "bad" : step.held ? "good" : "" }, `${held(step)} ${t("Step {}: {}", step.step, step.outcome)}`, words ? ` (${words})` : ""),
      because(bundle, step),
      help(step),
    ];
  }

  // The changes that help, each with its commands, its lines of the lab file, and its other effects; and what `apply` makes for it.
  function remedies(answer, apply = () => null) {
    const effects = (how, pairs) => (pairs.length ? el("p", {}, how(pairs.map(([from, to]) => t("{} to {}", from, to)).join(t(", ")))) : null);
    const code = (lines) => (lines.length ? el("pre", {}, lines.join("\n")) : null);
    const list = answer.remedies.map((remedy) => el("li", {}, el("strong", {}, remedy.change), code(remedy.commands), code(remedy.lab),
      effects((ways) => t("It also makes a way from {}.", ways), remedy.gains),
      effects((ways) => t("But it breaks the way from {}.", ways), remedy.losses), apply(remedy)));
    const heading = list.length ? t("What would help, the least intrusive first. Each was tried by itself.")
      : answer.tried === undefined ? answer.told : t("Nothing helps by itself: {} changes were tried.", answer.tried);
    return [el("p", {}, heading), el("ol", {}, list)];
  }

  function help(step) {
    return step.help ? el("details", { class: "help" }, el("summary", {}, t("What would help?")), remedies(step.help)) : null;
  }

  function because(bundle, step) {
    if (!step.because.length) return null;
    return el("ul", { class: "because" }, step.because.map((b) => el("li", {}, `${b.text}: `, rule(bundle.rules[b.rule]))));
  }

  // All moments, or those that contain each word of the filter. Long lists render visible rows only.
  class Hops {
    constructor(go) {
      this.go = go;
      this.wanted = [];
      this.rows = [];
      this.filter = el("input", { class: "filter", type: "search", placeholder: t("Filter: c1 R18 ARP"), "aria-label": t("Filter by device, rule and protocol: moments with all of these words"), autocomplete: "off", spellcheck: "false" });
      this.filter.addEventListener("input", () => {
        this.wanted = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.choose();
        this.element.scrollTop = 0;
        this.draw();
      });
      this.space = el("div", { class: "space" });
      this.element = el("div", { class: "hops", tabindex: "0", role: "listbox", "aria-label": t("All moments") }, this.space);
      this.element.addEventListener("scroll", () => this.draw());
      this.element.addEventListener("click", (event) => {
        const row = event.target.closest("[data-moment]");
        if (row) go(Number(row.dataset.moment));
      });
      this.element.addEventListener("keydown", (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        event.stopPropagation();
        const next = by > 0 ? this.rows.find((i) => i > this.index) : this.rows.findLast((i) => i < this.index);
        if (next !== undefined) go(next);
      });
      this.none = el("p", { hidden: true }, t("No moment has all of these words."));
      this.listing = el("div", { class: "listing" }, this.filter, this.none, this.element);
    }

    // The moments that the filter leaves.
    choose() {
      const all = this.bundle.moments.map((_, i) => i);
      this.rows = this.wanted.length ? all.filter((i) => this.matches(i)) : all;
      this.none.hidden = this.rows.length > 0;
      this.space.style.height = `${this.rows.length * ROW}px`;
    }

    // A device is matched by its whole name, so that `c1` is not `c10`; everything else by a part.
    matches(i) {
      const m = this.bundle.moments[i];
      if (m[KIND_AT] < KIND.ARRIVE) return false;
      const name = this.bundle.names[m[AT.NAME]].toLowerCase();
      const r = m[AT.RULE] < 0 ? null : this.bundle.rules[m[AT.RULE]];
      const words = `${sign(m[KIND_AT])} ${r ? r.title : ""} ${this.bundle.frames[m[AT.FRAME]][1]}`.toLowerCase();
      const known = (word) => this.bundle.names.some((n) => n.toLowerCase() === word) || this.bundle.rules.some((x) => x.id.toLowerCase() === word);
      return this.wanted.every((word) => name === word || r?.id.toLowerCase() === word || (!known(word) && words.includes(word)));
    }

    show(bundle, index) {
      this.index = index;
      if (this.bundle !== bundle) {
        this.bundle = bundle;
        this.choose();
      }
      const at = this.rows.indexOf(index);
      const height = this.element.clientHeight;
      const top = this.element.scrollTop;
      if (at >= 0 && (at * ROW < top || (at + 1) * ROW > top + height)) this.element.scrollTop = at * ROW - height / 2;
      this.draw();
    }

    draw() {
      if (!this.bundle || !this.element.clientHeight) return;
      const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - 4);
      const last = Math.min(this.rows.length, first + Math.ceil(this.element.clientHeight / ROW) + 9);
      const rows = [];
      for (let at = first; at < last; at += 1) rows.push(this.row(this.rows[at], at));
      this.space.replaceChildren(...rows);
      this.element.setAttribute("aria-activedescendant", `mv-row-${this.index}`);
    }

    row(i, at) {
      const m = this.bundle.moments[i];
      const step = this.bundle.steps[m[AT.STEP] - 1];
      const r = m[AT.RULE] < 0 ? null : this.bundle.rules[m[AT.RULE]];
      const lines = m[KIND_AT] === KIND.LAB ? [t("start of the lab"), ""]
        : m[KIND_AT] === KIND.STEP ? [t("step {}", step.step), step.title]
        : m[KIND_AT] === KIND.RESULT ? [`${held(step)} ${t("step {}", step.step)}`, step.outcome]
        : [`${this.bundle.names[m[AT.NAME]]} ${sign(m[KIND_AT])}${r && m[KIND_AT] !== KIND.ARRIVE ? ` ${r.id}` : ""}`, this.bundle.frames[m[AT.FRAME]][1]];
      const kind = m[KIND_AT] === KIND.DROP ? " drop" : m[KIND_AT] < KIND.ARRIVE ? " milestone" : "";
      const row = el(
        "div",
        { class: `row${kind}`, id: `mv-row-${i}`, role: "option", "data-moment": i, "aria-selected": i === this.index ? "true" : "false", "aria-setsize": this.rows.length, "aria-posinset": at + 1 },
        el("span", { class: "time" }, millis(m[AT.TIME])),
        el("span", { class: "what" }, lines[0]),
        el("span", { class: "which" }, lines[1]),
      );
      row.style.top = `${at * ROW}px`;
      return row;
    }
  }

  function steps(bundle, index, go) {
    const at = bundle.moments[index][AT.STEP];
    const list = bundle.steps;
    const head = [
      ...bundle.drawings[bundle.scenes[0][1]].refused.map((text) => el("p", { class: "bad" }, `✗ ${text}`)),
      bundle.left_out ? el("p", {}, t("{} of {} hops exceed the limit of a page; they are only counted, for each step.", bundle.left_out, bundle.hops)) : null,
      bundle.scenes_left_out ? el("p", {}, t("The devices change so often that the last {} changes are not drawn.", bundle.scenes_left_out)) : null,
    ];
    const from = Math.max(0, Math.min(list.length - MOST, at - MOST / 2));
    const shown = list.slice(from, from + MOST);
    return [
      ...head,
      list.length > MOST ? el("p", {}, t("Steps {} to {} of {}", from + 1, from + shown.length, list.length)) : null,
      el("ol", { class: "steps", start: from + 1 }, shown.map((step) => el(
        "li",
        { class: step.step === at ? "here" : "" },
        el(
          "button",
          { type: "button", onclick: () => go(step.first), "aria-current": step.step === at ? "step" : null },
          el("b", { class: step.held === false ? "bad" : step.held ? "good" : "" }, held(step)),
          ` ${step.step}. ${step.title}`,
        ),
        el("p", {}, `${step.outcome ?? t("not finished")}${heldWords(step) ? `${t(", ")}${heldWords(step)}` : ""} · ${t("{} hops", step.hops)}`),
        step.step === at ? because(bundle, step) : null,
        step.step === at ? help(step) : null,
      ))),
    ];
  }

  function frame(bundle, index, journeys, go) {
    const m = bundle.moments[index];
    if (m[KIND_AT] < KIND.ARRIVE) return [el("p", {}, t("No frame is in flight at this moment. Step to a hop, or click a frame in the diagram."))];
    const [hex, summary] = bundle.frames[m[AT.FRAME]];
    const bytes = macvlab.bytes(hex);
    const layers = macvlab.decode(bytes);
    const hops = journeys.get(m[AT.ID]);
    const shown = hops.slice(0, MOST);
    return [
      el("h3", {}, summary),
      el("p", {}, t("{} bytes, as {} has it", bytes.length, bundle.names[m[AT.NAME]])),
      ...layers.map((layer, number) => el(
        "details",
        { open: true, class: `layer l${number % 4}` },
        el("summary", {}, layer.title, el("span", { class: "range" }, ` ${t("bytes {} to {}", layer.from, layer.to - 1)}`)),
        el("dl", {}, layer.fields.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      )),
      el("h4", {}, t("Bytes")),
      dump(bytes, layers),
      el("h4", {}, t("Its hops ({}), with verdicts", hops.length)),
      el("ol", { class: "verdicts" }, shown.map((i) => verdict(bundle, i, i === index, go))),
      hops.length > MOST ? el("p", {}, t("and {} more", hops.length - MOST)) : null,
    ];
  }

  function verdict(bundle, i, here, go) {
    const m = bundle.moments[i];
    const r = m[AT.RULE] < 0 ? null : bundle.rules[m[AT.RULE]];
    return el(
      "li",
      { class: here ? "here" : "" },
      el("button", { type: "button", onclick: () => go(i), "aria-current": here ? "true" : null }, `${millis(m[AT.TIME])} ${bundle.texts[m[AT.TEXT]]}`),
      r ? el("p", {}, rule(r)) : null,
      el("ul", {}, decision(bundle, m)),
    );
  }

  function dump(bytes, layers) {
    const layerAt = (i) => layers.findIndex((l) => i >= l.from && i < l.to) % 4;
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const line = el("div", {}, el("span", { class: "offset" }, `${at.toString(16).padStart(4, "0")}  `));
      const row = bytes.subarray(at, at + 16);
      row.forEach((byte, i) => line.append(el("span", { class: `l${layerAt(at + i)}` }, byte.toString(16).padStart(2, "0")), i === 7 ? "  " : " "));
      const text = [...row].map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : "·")).join("");
      line.append(" ".repeat((16 - row.length) * 3 + (row.length < 8 ? 1 : 0)), ` ${text}`);
      lines.push(line);
    }
    return el("div", { class: "dump", tabindex: "0", role: "region", "aria-label": t("Bytes in hexadecimal") }, lines);
  }

  function device(bundle, name, index, scene, show, go) {
    const d = scene.devices.find((x) => x.name === name);
    if (!d) return [el("p", {}, name ? t("{} does not exist at this moment.", name) : t("Click a device in the diagram."))];
    const facts = [[t("kind"), d.kind], [t("mode"), d.mode], ["MAC", d.mac], [t("host"), d.host], [t("addresses"), d.address.join(", ")], [t("VLAN id"), d.vlan],
      [d.kind === "switch-port" ? t("port of") : t("on"), d.parent], [t("cable to"), d.peer], [t("up"), d.up ? t("yes") : t("no")],
      [t("flags"), d.flags && (d.flags.join(", ") || t("none"))], [t("state"), d.state]];
    const on = scene.devices.filter((x) => x.parent === name);
    return [
      el("h3", {}, name),
      el("dl", {}, facts.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, `${value}`)])),
      on.length ? el("h4", {}, t("Its ports ({})", on.length)) : null,
      on.length ? el("ul", { class: "ports" }, on.slice(0, MOST).map((x) => el("li", {}, el("button", { type: "button", onclick: () => show(x.name) }, x.name), ` ${x.mode ?? x.kind.replace("-", " ")}`))) : null,
      ...database(bundle, d, index, go),
      ...neighbours(bundle, d, index, go),
      el("h4", {}, t("Up to this moment")),
      table([t("received"), t("arrived"), t("sent"), t("dropped")], [soFar(bundle, [name, ...on.filter((x) => x.kind === "switch-port").map((x) => x.name)], since(bundle, name, index), index)]),
      ...counters(bundle, name),
    ];
  }

  // The moment since which the device of this name is there: another may have had the name before.
  function since(bundle, name, index) {
    let from = 0;
    for (const [moment, drawing] of bundle.scenes) {
      if (moment > index) break;
      if (!bundle.drawings[drawing].devices.some((x) => x.name === name)) from = moment;
    }
    return from;
  }

  // The hops of a device; of a switch, those at its ports.
  function soFar(bundle, names, from, index) {
    const numbers = new Set(names.map((name) => bundle.names.indexOf(name)));
    const counts = [0, 0, 0, 0];
    const column = { [KIND.RECEIVE]: 0, [KIND.ARRIVE]: 1, [KIND.TRANSMIT]: 2, [KIND.DROP]: 3 };
    for (let i = from; i <= index; i += 1) {
      const m = bundle.moments[i];
      if (numbers.has(m[AT.NAME])) counts[column[m[KIND_AT]]] += 1;
    }
    return counts;
  }

  function counters(bundle, name) {
    const of = bundle.counters.filter((c) => c.device === name).pop();
    const state = bundle.states.filter((s) => s.device === name).pop();
    const rows = of ? Object.entries(of).filter(([key]) => key !== "event" && key !== "device") : [];
    const stands = state ? Object.entries(state).filter(([key]) => key !== "event" && key !== "device") : [];
    return [
      rows.length ? el("h4", {}, t("Counters at the end")) : null,
      rows.length ? el("dl", { class: "numbers" }, rows.flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, `${value}`)])) : null,
      stands.length ? el("h4", {}, t("State at the end")) : null,
      stands.length ? el("dl", { class: "numbers" }, stands.flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, `${value ?? t("none")}`)])) : null,
    ];
  }

  // The forwarding database at this moment, and its history.
  function database(bundle, d, index, go) {
    const own = d.kind === "switch" ? d.name : d.kind === "switch-port" ? d.parent : null;
    if (own === null) return [];
    const { entries, changes } = upTo(bundle, bundle.fdb, own, index, (row) => `${row[3] ?? ""} ${row[4]}`, (row) => row[5] < 0);
    const here = entries.filter((row) => d.kind === "switch" || bundle.names[row[5]] === d.name);
    const line = ([, time, , vlan, mac, port, kind]) => [mac, vlan === null ? "" : `${vlan}`, bundle.names[port], kind, millis(time)];
    return [
      el("h4", {}, t("Forwarding database at this moment ({})", here.length)),
      here.length ? table([t("MAC address"), "VLAN", t("port"), t("kind"), t("since")], here.slice(0, MOST).map(line)) : el("p", {}, t("no entries")),
      history(changes, go, (row) => (row[5] < 0 ? t("{} removed", row[4]) : t("{} is behind {} ({})", row[4], bundle.names[row[5]], row[6]))),
    ];
  }

  // The neighbour table at this moment, and its history.
  function neighbours(bundle, d, index, go) {
    const { entries, changes } = upTo(bundle, bundle.neighbours, d.name, index, (row) => row[3], (row) => row[5] === "");
    if (!changes.length) return [];
    const line = ([, time, , ip, mac, state]) => [ip, mac ?? "", state, millis(time)];
    return [
      el("h4", {}, t("Neighbours at this moment ({})", entries.length)),
      entries.length ? table([t("IP address"), t("MAC address"), t("state"), t("since")], entries.slice(0, MOST).map(line)) : el("p", {}, t("no entries")),
      history(changes, go, ([, , , ip, mac, state]) => (state === "" ? t("{} removed", ip) : `${ip} ${state}${mac ? t(", at {}", mac) : ""}`)),
    ];
  }

  // The entries of a table of this name after its changes up to a moment, and those changes.
  function upTo(bundle, rows, name, index, key, isGone) {
    const entries = new Map();
    const changes = rows.filter((row) => row[0] <= index && bundle.names[row[2]] === name);
    for (const row of changes) {
      if (isGone(row)) entries.delete(key(row));
      else entries.set(key(row), row);
    }
    return { entries: [...entries.values()], changes };
  }

  function history(changes, go, words) {
    const past = changes.slice(-MOST).reverse();
    return past.length ? el("details", {}, el("summary", {}, t("History ({})", changes.length)), el("ol", { class: "past", reversed: true }, past.map((row) => el(
      "li", {}, el("button", { type: "button", onclick: () => go(row[0]) }, `${millis(row[1])} ${words(row)}`),
    )))) : null;
  }

  function table(head, rows) {
    return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head.map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, `${cell}`)))))));
  }

  const KIND_AT = AT.KIND;
  return { narration, Hops, steps, frame, device, millis, held, remedies };
})();
