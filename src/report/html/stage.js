"use strict";
// The diagram and its animation: the path so far of the selected frame.

// Indices of a moment's fields, and the kinds of moments.
macvlab.AT = { KIND: 0, STEP: 1, TIME: 2, NAME: 3, RULE: 4, TYPE: 5, FRAME: 6, ID: 7, FROM: 8, DECISION: 9, TEXT: 10 };
// The packet type of a frame that is for another host.
macvlab.OTHERHOST = 3;
macvlab.KIND = { LAB: 0, STEP: 1, RESULT: 2, ARRIVE: 3, RECEIVE: 4, TRANSMIT: 5, DROP: 6 };

// An element with attributes and children; strings become text, never markup.
macvlab.el = (tag, attributes = {}, ...children) => {
  const svg = attributes.svg;
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "svg" || value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

macvlab.Stage = class {
  // `pick` receives the selection: ("device", name) or ("frame", moment).
  constructor(host, pick) {
    this.host = host;
    this.pick = pick;
    this.scene = null;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    const choose = (event) => {
      const chosen = event.target.closest?.("[data-moment], [data-device]");
      if (!chosen || !this.host.contains(chosen)) return;
      if (event.type === "keydown") {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
      }
      if (chosen.dataset.moment) this.pick("frame", Number(chosen.dataset.moment));
      else this.pick("device", chosen.dataset.device);
    };
    host.addEventListener("click", choose);
    host.addEventListener("keydown", choose);
  }

  load(bundle) {
    this.bundle = bundle;
    this.scene = null;
    // The hops of each frame, in order. Ids restart with each run, so they are unique within a bundle.
    this.journeys = new Map();
    const { KIND, ID } = macvlab.AT;
    bundle.moments.forEach((m, index) => {
      if (m[KIND] < macvlab.KIND.ARRIVE) return;
      if (!this.journeys.has(m[ID])) this.journeys.set(m[ID], []);
      this.journeys.get(m[ID]).push(index);
    });
  }

  sceneAt(index) {
    const scenes = this.bundle.scenes;
    let low = 0;
    let high = scenes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (scenes[middle][0] <= index) low = middle;
      else high = middle - 1;
    }
    return this.bundle.drawings[scenes[low][1]];
  }

  #draw(scene) {
    if (scene === this.scene) return;
    this.scene = scene;
    const drawn = new DOMParser().parseFromString(scene.svg, "image/svg+xml").documentElement;
    const svg = document.importNode(drawn, true);
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", macvlab.t("The lab. Tab goes from device to device."));
    for (const device of svg.querySelectorAll("[data-device]")) {
      device.setAttribute("tabindex", "0");
      device.setAttribute("role", "button");
      device.setAttribute("aria-label", device.querySelector("title")?.textContent ?? "");
    }
    // Large labs are scrolled, not shrunk until they are unreadable.
    const { width, height } = svg.viewBox.baseVal;
    svg.style.minWidth = `${0.62 * width}px`;
    svg.style.setProperty("--mv-least", `${0.62 * height}px`);
    this.motion = macvlab.el("g", { svg: true, class: "mv-motion" });
    svg.append(this.motion);
    this.host.replaceChildren(svg);
    this.devices = new Map(scene.devices.map((device) => [device.name, device]));
    this.cables = new Map(scene.cables.flatMap(([a, b, points]) => [
      [`${a}\n${b}`, points],
      [`${b}\n${a}`, [...points].reverse()],
    ]));
  }

  // The position of a frame at a moment, and the height at which it moves sideways.
  #spot(index) {
    const { KIND, NAME } = macvlab.AT;
    const m = this.bundle.moments[index];
    return this.#place(this.bundle.names[m[NAME]], m[KIND] === macvlab.KIND.RECEIVE);
  }

  #place(name, inStack) {
    const place = this.scene.places[name];
    if (!place) return null;
    const stack = inStack && Boolean(place.stack);
    return { name, ...(stack ? place.stack : place), stack };
  }

  // The points between two positions.
  #path(a, b) {
    const cable = this.cables.get(`${a.name}\n${b.name}`);
    if (cable && !a.stack && !b.stack) return cable;
    const below = (child, parent) => child.via !== null && (child.stack ? child.name : this.devices.get(child.name)?.parent) === parent.name;
    let via = null;
    if (below(a, b)) via = a.via;
    else if (below(b, a)) via = b.via;
    else if (a.via !== null && b.via !== null) via = b.via;
    if (via === null) return [[a.x, a.y], [b.x, b.y]];
    return [[a.x, a.y], [a.x, via], [b.x, via], [b.x, b.y]];
  }

  // The path to a moment from the previous one of the same copy; none if it starts there.
  #way(index) {
    const from = this.bundle.moments[index][macvlab.AT.FROM];
    const to = this.#spot(index);
    if (!to) return null;
    if (from < 0) {
      // Frames from a parent's host come out of its stack.
      const { KIND, NAME } = macvlab.AT;
      const m = this.bundle.moments[index];
      const stack = m[KIND] === macvlab.KIND.TRANSMIT ? this.#place(this.bundle.names[m[NAME]], true) : null;
      return stack?.stack ? this.#path(stack, to) : null;
    }
    const start = this.#spot(from);
    return start ? this.#path(start, to) : null;
  }

  // Shows a moment; `motion` in milliseconds, 0 for none. Resolves when the animation has ended.
  async show(index, motion = 0) {
    this.#draw(this.sceneAt(index));
    this.motion.replaceChildren();
    this.host.querySelectorAll(".mv-now").forEach((e) => e.classList.remove("mv-now"));
    const { KIND, NAME, ID } = macvlab.AT;
    const m = this.bundle.moments[index];
    if (m[KIND] === macvlab.KIND.RESULT) return this.#rest(index - 1);
    if (m[KIND] < macvlab.KIND.ARRIVE) return;
    const name = this.bundle.names[m[NAME]];
    for (const e of this.host.querySelectorAll("[data-device]")) {
      const stack = m[KIND] === macvlab.KIND.RECEIVE && this.scene.places[name]?.stack;
      if (e.dataset.device === name && e.classList.contains("mv-stack") === Boolean(stack)) e.classList.add("mv-now");
    }
    const hops = this.journeys.get(m[ID]);
    const seen = hops.slice(0, hops.indexOf(index) + 1);
    this.#trail(seen);
    const token = this.#tokens(seen, index);
    this.#reveal(token);
    const marks = () => this.#marks(seen, hops);
    if (!motion || this.still.matches || !token) return void marks();
    const points = this.#way(index);
    const animation = points ? this.#glide(token, points, motion) : token.animate(
      { transform: [...(token.dataset.at ? [`${token.dataset.at} scale(0.2)`, token.dataset.at] : [])] },
      { duration: motion / 2 },
    );
    this.running = animation;
    try {
      await animation.finished;
    } catch {
      // The user moved elsewhere meanwhile.
      return;
    }
    marks();
    if (m[KIND] === macvlab.KIND.DROP) await this.#die(token, motion);
  }

  // Scrolls the diagram until the frame is visible.
  #reveal(token) {
    const { scrollWidth, clientWidth } = this.host;
    if (!token || scrollWidth <= clientWidth) return;
    const [inner, outer] = [token.getBoundingClientRect(), this.host.getBoundingClientRect()];
    if (inner.left < outer.left + 20 || inner.right > outer.right - 20) {
      this.host.scrollLeft += inner.left - outer.left - clientWidth / 2;
    }
  }

  // The outcome of the frame that moved last.
  #rest(index) {
    const m = this.bundle.moments[index];
    if (m[macvlab.AT.KIND] < macvlab.KIND.ARRIVE) return;
    const hops = this.journeys.get(m[macvlab.AT.ID]);
    this.#trail(hops);
    this.#marks(hops, hops);
  }

  stop() {
    this.running?.cancel();
    this.running = null;
  }

  #glide(token, points, motion) {
    const lengths = points.map(([x, y], i) => (i ? Math.hypot(x - points[i - 1][0], y - points[i - 1][1]) : 0));
    const total = lengths.reduce((a, b) => a + b, 0) || 1;
    let gone = 0;
    const frames = points.map(([x, y], i) => {
      gone += lengths[i];
      return { transform: `translate(${x}px, ${y}px)`, offset: Math.min(1, gone / total) };
    });
    if (total === 1) return token.animate({ opacity: [0.3, 1] }, { duration: motion / 3 });
    return token.animate(frames, { duration: motion, easing: "ease-in-out" });
  }

  async #die(token, motion) {
    const at = token.dataset.at;
    token.classList.add("mv-dead");
    const death = token.animate(
      [{ transform: at, opacity: 1 }, { transform: `${at} rotate(-20deg) scale(1.3)`, opacity: 1, offset: 0.3 }, { transform: `${at} rotate(40deg) scale(0.4)`, opacity: 0.2 }],
      { duration: motion },
    );
    this.running = death;
    await death.finished.catch(() => {});
  }

  #trail(seen) {
    for (const index of seen) {
      const points = this.#way(index);
      if (!points) continue;
      this.motion.append(macvlab.el("polyline", { svg: true, class: "mv-trail", points: points.map((p) => p.join(",")).join(" ") }));
    }
  }

  // An envelope for each copy in flight; returns the one of this moment.
  #tokens(seen, index) {
    const { KIND, FROM, FRAME } = macvlab.AT;
    const gone = new Set(seen.map((i) => this.bundle.moments[i][FROM]));
    let current = null;
    for (const i of seen) {
      const m = this.bundle.moments[i];
      const resting = m[KIND] === macvlab.KIND.TRANSMIT || m[KIND] === macvlab.KIND.ARRIVE;
      if (i !== index && (gone.has(i) || !resting)) continue;
      const spot = this.#spot(i);
      if (!spot) continue;
      const summary = this.bundle.frames[m[FRAME]][1];
      // What is behind its tags; not every frame has a short name.
      const word = /^(?:(?:service )?vlan \d+(?: priority \d+)?, )*([A-Z][A-Za-z0-9]{2,5})\b/.exec(summary)?.[1] ?? macvlab.t("frame");
      const token = macvlab.el(
        "g",
        { svg: true, class: i === index ? "mv-token mv-current" : "mv-token", tabindex: "0", role: "button", "data-moment": i,
          "aria-label": macvlab.t("Frame: {}. Show its headers and verdicts.", summary) },
        macvlab.el("title", { svg: true }, summary),
        macvlab.el("rect", { svg: true, x: -24, y: -12, width: 48, height: 24, rx: 4 }),
        macvlab.el("path", { svg: true, d: "M-24,-8 L0,2 L24,-8" }),
        macvlab.el("text", { svg: true, y: 5 }, word),
      );
      token.dataset.at = `translate(${spot.x}px, ${spot.y}px)`;
      token.style.transform = token.dataset.at;
      this.motion.append(token);
      if (i === index) current = token;
    }
    return current;
  }

  // The outcomes of the copies seen so far: received, dropped, or filtered, each with its rule. A filtered copy is no loss
  // where another copy of the frame, by one of all its `hops`, arrives.
  #marks(seen, hops) {
    const { KIND, NAME, RULE, TYPE, FRAME, DECISION } = macvlab.AT;
    const { moments, decisions, names, rules, frames } = this.bundle;
    const marks = new Map();
    const arrives = new Set(hops.filter((i) => moments[i][KIND] === macvlab.KIND.RECEIVE).map((i) => moments[i][NAME]));
    const put = (name, inStack, what, rule) => {
      const spot = this.#place(name, inStack);
      if (spot) marks.set(`${name}\n${inStack}`, { spot, what, rule });
    };
    for (const index of seen) {
      const m = moments[index];
      const name = names[m[NAME]];
      if (m[DECISION] >= 0) {
        // A unicast that goes elsewhere is no reason to mark other devices.
        const group = parseInt(frames[m[FRAME]][0].slice(0, 2), 16) & 1;
        for (const [to, kind, rule, goes] of decisions[m[DECISION]].ways) {
          if (goes || kind === "wire" || kind === "parent") continue;
          if (group || rules[rule].withholds) put(names[to], kind === "host", arrives.has(to) ? "elsewhere" : "not", rules[rule]);
        }
      }
      if (m[KIND] === macvlab.KIND.RECEIVE) put(name, Boolean(this.scene.places[name]?.stack), m[TYPE] === macvlab.OTHERHOST ? "seen" : "got", rules[m[RULE]]);
      if (m[KIND] === macvlab.KIND.DROP) put(name, false, "dropped", rules[m[RULE]]);
    }
    const { t } = macvlab;
    const signs = { not: t("✗ not"), elsewhere: t("no local copy"), got: t("✓ got it"), seen: t("· seen"), dropped: t("✗ dropped") };
    for (const { spot, what, rule } of marks.values()) {
      const text = `${signs[what]} ${rule.id}`;
      // Characters of Chinese take about twice the width.
      const width = [...text].reduce((sum, c) => sum + (c.codePointAt(0) > 0x2fff ? 13 : 7), 16);
      this.motion.append(macvlab.el(
        "g",
        { svg: true, class: `mv-mark mv-mark-${what}`, transform: `translate(${spot.mark[0]}, ${spot.mark[1]})` },
        macvlab.el("title", { svg: true }, `${rule.id} ${rule.title}: ${rule.why}`),
        macvlab.el("rect", { svg: true, x: -width / 2, y: -10, width, height: 20, rx: 10 }),
        macvlab.el("text", { svg: true, y: 4 }, text),
      ));
    }
  }
};
