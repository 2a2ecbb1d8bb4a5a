"use strict";
// The sequence diagram of one step: a lane for each device, an arrow for each hop, from top to bottom as time passes.

macvlab.sequence = (() => {
  const { el, t, AT, KIND } = macvlab;
  const LANE = 112;
  const ROW = 30;
  const TOP = 46;
  // More rows than anybody reads at once.
  const MOST = 200;

  const svg = (tag, attributes, ...children) => el(tag, { svg: true, ...attributes }, ...children);

  // The hops of the step at a moment, in order.
  function hopsOf(bundle, index) {
    const step = bundle.steps[bundle.moments[index][AT.STEP] - 1];
    if (!step) return [];
    const hops = [];
    for (let i = step.first; i <= step.last; i += 1) if (bundle.moments[i][AT.KIND] >= KIND.ARRIVE) hops.push(i);
    return hops;
  }

  // The devices that take part, from left to right as in the diagram.
  function lanes(bundle, hops, scene) {
    const names = [...new Set(hops.map((i) => bundle.names[bundle.moments[i][AT.NAME]]))];
    const x = (name) => scene.places[name]?.x ?? 0;
    const y = (name) => scene.places[name]?.y ?? 0;
    return names.sort((a, b) => y(a) - y(b) || x(a) - x(b));
  }

  // One hop: an arrow from the copy's previous place, or a mark at its own.
  function row(bundle, i, at, y) {
    const m = bundle.moments[i];
    const [, summary] = bundle.frames[m[AT.FRAME]];
    const rule = m[AT.RULE] < 0 ? null : bundle.rules[m[AT.RULE]];
    const to = at(m[AT.NAME]);
    const from = m[AT.FROM] < 0 ? to : at(bundle.moments[m[AT.FROM]][AT.NAME]);
    const ends = { [KIND.RECEIVE]: m[AT.TYPE] === macvlab.OTHERHOST ? t("seen") : "✓", [KIND.DROP]: "✗" }[m[AT.KIND]];
    const kind = ends === "✓" ? "got" : ends === "✗" ? "dropped" : "hop";
    const label = from === to || from === undefined ? [ends, rule?.id].filter(Boolean).join(" ") : summary;
    const parts = [svg("title", {}, `${bundle.texts[m[AT.TEXT]]}: ${summary}${rule ? ` (${rule.id} ${rule.title})` : ""}`)];
    if (from !== undefined && from !== to) {
      const side = Math.sign(to - from);
      parts.push(svg("line", { x1: from, x2: to - 5 * side, y1: y, y2: y }), svg("path", { d: `M${to},${y} l${-7 * side},-4 v8 z` }));
    } else parts.push(svg("circle", { cx: to, cy: y, r: 4 }));
    // The title has it whole.
    const room = Math.max(6, Math.floor((Math.abs(to - (from ?? to)) - 10) / 6.2));
    const text = label.length > room && from !== to ? `${label.slice(0, room - 1)}…` : label;
    parts.push(from === undefined || from === to ? svg("text", { x: to + 9, y: y + 4 }, text)
      : svg("text", { x: Math.min(from, to) + 6, y: y - 5 }, text));
    return { kind, parts };
  }

  // The panel's content.
  function panel(bundle, index, scene, go) {
    const hops = hopsOf(bundle, index);
    if (!hops.length) return [el("p", {}, t("No frame is sent in this step."))];
    const shown = hops.slice(0, MOST);
    const names = lanes(bundle, shown, scene);
    const place = new Map(names.map((name, lane) => [name, lane * LANE + LANE / 2]));
    const at = (name) => place.get(bundle.names[name]);
    const height = TOP + shown.length * ROW + 10;
    const width = names.length * LANE + 60;
    const heads = names.map((name) => svg("g", { class: "mv-lane" },
      svg("line", { x1: place.get(name), x2: place.get(name), y1: 26, y2: height }),
      svg("text", { x: place.get(name), y: 18, "text-anchor": "middle" }, name)));
    const rows = shown.map((i, number) => {
      const y = TOP + number * ROW + 12;
      const { kind, parts } = row(bundle, i, at, y);
      return svg("g", { class: `mv-hop mv-hop-${kind}${i === index ? " mv-hop-here" : ""}`, "data-moment": i },
        svg("rect", { x: 0, y: y - ROW / 2 - 3, width, height: ROW }), ...parts);
    });
    const drawing = svg("svg", { class: "mv-sequence", width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": t("{} hops between {}; the list of hops says the same in words", hops.length, names.join(t(", "))) }, ...heads, ...rows);
    drawing.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-moment]");
      if (chosen) go(Number(chosen.dataset.moment));
    });
    return [
      hops.length > MOST ? el("p", {}, t("The first {} of {} hops.", MOST, hops.length)) : null,
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("Sequence diagram of this step") }, drawing),
    ];
  }

  return { panel };
})();
