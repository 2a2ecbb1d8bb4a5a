"use strict";
// The viewer: the current moment, controls and keys.

macvlab.Viewer = class extends EventTarget {
  static keys = () => [
    [macvlab.t("Space"), macvlab.t("play and pause")],
    ["← →", macvlab.t("one hop back, one hop forward")],
    ["↑ ↓", macvlab.t("previous step, next step")],
    ["Page ↑ ↓", macvlab.t("previous frame, next frame")],
    ["Home End", macvlab.t("the beginning, the end")],
    ["+ −", macvlab.t("faster, slower")],
    ["1 2 3 4 5", macvlab.t("steps, hops, sequence, frame, device")],
    ["D", macvlab.t("light or dark")],
    ["?", macvlab.t("this help")],
  ];
  static SPEEDS = [0.25, 0.5, 1, 2, 4, 16];

  constructor(root, bundle, { start = 0, play = false, keys = true } = {}) {
    super();
    this.root = root;
    this.index = start;
    this.speed = 1;
    this.tab = "steps";
    this.device = null;
    this.ticket = 0;
    this.#build();
    root.dataset.theme ||= matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    this.#theme(root.dataset.theme);
    (keys ? document : root).addEventListener("keydown", (event) => this.#key(event));
    this.update(bundle, { from: start, play });
  }

  // Shows another bundle.
  update(bundle, { from, play = from !== undefined } = {}) {
    const { t } = macvlab;
    this.pause();
    this.bundle = bundle;
    this.stage.load(bundle);
    const last = bundle.moments.length - 1;
    this.title.textContent = bundle.title || t("A lab");
    const judged = bundle.steps.filter((step) => step.held !== null);
    const good = judged.filter((step) => step.held).length;
    const score = [
      bundle.steps.length === 1 ? t("1 step") : t("{} steps", bundle.steps.length),
      bundle.hops === 1 ? t("1 hop") : t("{} hops", bundle.hops),
      judged.length ? t("{} of {} expectations held", good, judged.length) : null,
    ];
    this.score.textContent = score.filter(Boolean).join(t(", "));
    this.range.max = last;
    this.#strip();
    this.go(Math.min(from ?? this.index, last));
    if (play) this.play();
  }

  // Builds everything anew, in the page's language; stays at the moment.
  rebuild(bundle) {
    this.pause();
    this.#build();
    this.#theme(this.root.dataset.theme);
    this.update(bundle, { from: this.index, play: false });
  }

  // Goes to a moment and stays there.
  go(index) {
    this.pause();
    this.#at(index, 0);
  }

  // Moves one moment forward, with animation.
  next() {
    this.pause();
    this.#at(this.index + 1, this.#motion(500));
  }

  // No animation at high speed.
  #motion(milliseconds) {
    return this.speed < 16 ? milliseconds / this.speed : 0;
  }

  async play() {
    if (this.playing) return;
    this.playing = true;
    this.#playing();
    const ticket = (this.ticket += 1);
    const last = this.bundle.moments.length - 1;
    if (this.index >= last) this.#at(0, 0);
    const { KIND } = macvlab.AT;
    while (ticket === this.ticket && this.index < last) {
      const next = this.index + 1;
      const hop = this.bundle.moments[next][KIND] >= macvlab.KIND.ARRIVE;
      await this.#at(next, hop ? this.#motion(800) : 0);
      if (ticket !== this.ticket) return;
      await new Promise((done) => setTimeout(done, (hop ? 450 : 1100) / this.speed));
    }
    if (ticket === this.ticket) this.pause();
  }

  pause() {
    this.ticket += 1;
    this.playing = false;
    this.stage.stop();
    this.#playing();
  }

  #at(index, motion) {
    const last = this.bundle.moments.length - 1;
    this.index = Math.max(0, Math.min(last, index));
    const { AT, panels, t } = macvlab;
    const m = this.bundle.moments[this.index];
    const step = this.bundle.steps[m[AT.STEP] - 1];
    const shown = this.stage.show(this.index, motion);
    this.where.textContent = step ? t("Step {} of {}: {}", step.step, this.bundle.steps.length, step.title) : t("Before the first step");
    this.where.title = this.where.textContent;
    const moment = t("moment {} of {}", this.index + 1, last + 1);
    this.clock.textContent = `${panels.millis(m[AT.TIME])} · ${moment}`;
    this.narration.replaceChildren(...panels.narration(this.bundle, this.index).filter(Boolean));
    this.range.value = this.index;
    this.range.setAttribute("aria-valuetext", `${moment}, ${this.where.textContent}`);
    this.needle.style.left = `${(100 * this.index) / Math.max(1, last)}%`;
    this.#panel();
    this.dispatchEvent(new CustomEvent("moment", { detail: { index: this.index } }));
    return shown;
  }

  // The moment at which the step before (-1) or after (1) this one begins.
  #step(by) {
    const at = this.bundle.moments[this.index][macvlab.AT.STEP];
    const step = this.bundle.steps[at - 1 + by];
    if (step) return step.first;
    return by < 0 ? 0 : this.bundle.moments.length - 1;
  }

  // The next moment of a different frame.
  #frame(by) {
    const { ID } = macvlab.AT;
    const moments = this.bundle.moments;
    let i = this.index + by;
    while (i > 0 && i < moments.length - 1 && (moments[i][ID] === moments[this.index][ID] || !moments[i][ID])) i += by;
    if (by < 0) while (i > 0 && moments[i - 1][ID] === moments[i][ID] && moments[i][ID]) i -= 1;
    return i;
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || this.help.open) return;
    const target = event.target;
    const typing = target.matches?.("input:not([type=range]), select, textarea, [contenteditable]");
    const pressing = target.matches?.("button, summary, [role=button], [role=tab]");
    if (typing || (event.key === " " && pressing)) return;
    if (target.matches?.("[role=tab]") && event.key.startsWith("Arrow")) return;
    const last = this.bundle.moments.length - 1;
    const act = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ArrowLeft: () => this.go(this.index - 1),
      ArrowRight: () => this.next(),
      ArrowUp: () => this.go(this.#step(-1)),
      ArrowDown: () => this.go(this.#step(1)),
      PageUp: () => this.go(this.#frame(-1)),
      PageDown: () => this.go(this.#frame(1)),
      Home: () => this.go(0),
      End: () => this.go(last),
      "+": () => this.#faster(1),
      "-": () => this.#faster(-1),
      1: () => this.show("steps"),
      2: () => this.show("hops"),
      3: () => this.show("sequence"),
      4: () => this.show("frame"),
      5: () => this.show("device"),
      d: () => this.#theme(this.root.dataset.theme === "dark" ? "light" : "dark"),
      "?": () => this.help.showModal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #faster(by) {
    const speeds = macvlab.Viewer.SPEEDS;
    const at = Math.max(0, Math.min(speeds.length - 1, speeds.indexOf(this.speed) + by));
    this.speed = speeds[at];
    this.speeds.value = String(this.speed);
  }

  #theme(theme) {
    this.root.dataset.theme = theme;
    document.documentElement.dataset.theme = theme;
  }

  // Shows one of the panels; for a device, also its name.
  show(tab, device = this.device) {
    this.tab = tab;
    this.device = device;
    for (const [name, button] of Object.entries(this.tabs)) {
      button.setAttribute("aria-selected", String(name === tab));
      button.tabIndex = name === tab ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `mv-tab-${tab}`);
    this.#panel();
  }

  #panel() {
    const { panels } = macvlab;
    const { bundle, index, panel } = this;
    const go = (to) => this.go(to);
    const hops = this.tab === "hops";
    if (hops) {
      if (!this.hops.listing.isConnected) panel.replaceChildren(this.hops.listing);
      return this.hops.show(bundle, index);
    }
    const content = this.tab === "steps" ? panels.steps(bundle, index, go)
      : this.tab === "sequence" ? macvlab.sequence.panel(bundle, index, this.stage.sceneAt(index), go)
      : this.tab === "frame" ? panels.frame(bundle, index, this.stage.journeys, go)
      : panels.device(bundle, this.device, index, this.stage.sceneAt(index), (name) => this.show("device", name), go);
    // Elements that were opened, scrolled or focused stay so.
    const open = [...panel.querySelectorAll("details")].map((d) => d.open);
    const scrolled = panel.querySelector(".scroll")?.scrollLeft;
    const focused = [...panel.querySelectorAll("button, summary")].indexOf(document.activeElement);
    panel.replaceChildren(...content.filter(Boolean));
    const details = panel.querySelectorAll("details");
    if (open.length === details.length) details.forEach((d, i) => { d.open = open[i]; });
    if (scrolled && panel.querySelector(".scroll")) panel.querySelector(".scroll").scrollLeft = scrolled;
    if (this.tab === "steps" || this.tab === "sequence") this.#reveal(panel.querySelector(".here, .mv-hop-here"));
    if (focused >= 0) panel.querySelectorAll("button, summary")[focused]?.focus({ preventScroll: true });
    return undefined;
  }

  // Scrolls the panel, and nothing else, to one of its elements.
  #reveal(element) {
    if (!element) return;
    const [inner, outer] = [element.getBoundingClientRect(), this.panel.getBoundingClientRect()];
    if (inner.top < outer.top) this.panel.scrollTop -= outer.top - inner.top + 8;
    else if (inner.bottom > outer.bottom) this.panel.scrollTop += Math.min(inner.bottom - outer.bottom, inner.top - outer.top) + 8;
  }

  #playing() {
    const { t } = macvlab;
    this.button.textContent = this.playing ? t("❚❚ Pause") : t("▶ Play");
    // A screen reader would read without end.
    this.narration.setAttribute("aria-live", this.playing ? "off" : "polite");
  }

  // The steps in proportion, and the ends of frames; many are combined.
  #strip() {
    const { bundle } = this;
    const { t } = macvlab;
    const last = Math.max(1, bundle.moments.length - 1);
    const most = 120;
    const each = Math.max(1, Math.ceil(bundle.steps.length / most));
    const parts = [];
    for (let i = 0; i < bundle.steps.length; i += each) {
      const steps = bundle.steps.slice(i, i + each);
      const bad = steps.some((step) => step.held === false);
      const good = !bad && steps.some((step) => step.held);
      const end = bundle.steps[i + each]?.first ?? last;
      const word = each > 1 ? "" : macvlab.panels.held(steps[0]) + (bundle.steps.length > 20 ? "" : ` ${steps[0].step}`);
      const title = each > 1 ? t("steps {} to {}", steps[0].step, steps.at(-1).step) : t("step {}: {}", steps[0].step, steps[0].title);
      const part = macvlab.el("span", { class: `part${bad ? " bad" : good ? " good" : ""}`, title, onclick: () => this.go(steps[0].first) }, word);
      part.style.left = `${(100 * steps[0].first) / last}%`;
      part.style.width = `${(100 * (end - steps[0].first)) / last}%`;
      parts.push(part);
    }
    const ends = new Set();
    bundle.moments.forEach((m, i) => {
      if (m[macvlab.AT.KIND] === macvlab.KIND.DROP) ends.add(Math.round((300 * i) / last));
    });
    for (const bin of ends) {
      const tick = macvlab.el("span", { class: "tick" }, "✗");
      tick.style.left = `${bin / 3}%`;
      parts.push(tick);
    }
    this.strip.replaceChildren(...parts, this.needle);
  }

  #build() {
    const { el, t } = macvlab;
    const button = (label, text, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
    this.title = el("h1", {});
    this.score = el("p", { class: "score" });
    this.slot = el("div", { class: "slot" });
    this.where = el("p", { class: "where" });
    this.clock = el("p", { class: "clock" });
    this.canvas = el("div", { class: "stage" });
    this.narration = el("section", { class: "narration", "aria-label": t("This moment"), "aria-live": "polite" });
    this.stage = new macvlab.Stage(this.canvas, (what, which) => {
      if (what === "device") {
        this.dispatchEvent(new CustomEvent("device", { detail: { name: which } }));
        return this.show("device", which);
      }
      this.go(which);
      return this.show("frame");
    });
    this.button = el("button", { type: "button", class: "play", onclick: () => (this.playing ? this.pause() : this.play()) });
    this.speeds = el("select", { "aria-label": t("Speed"), onchange: (event) => { this.speed = Number(event.target.value); } },
      macvlab.Viewer.SPEEDS.map((s) => el("option", { value: s, selected: s === this.speed }, `${s}×`)));
    this.range = el("input", { type: "range", min: 0, value: 0, "aria-label": t("Moment"), oninput: (event) => this.go(Number(event.target.value)) });
    this.needle = el("span", { class: "needle" });
    this.strip = el("div", { class: "strip", "aria-hidden": "true" });
    const last = () => this.bundle.moments.length - 1;
    const controls = el("div", { class: "controls", role: "group", "aria-label": t("Controls") },
      button(t("To the beginning"), "|◀", () => this.go(0)),
      button(t("Previous step"), "◀◀", () => this.go(this.#step(-1))),
      button(t("One hop back"), t("◀ hop"), () => this.go(this.index - 1)),
      this.button,
      button(t("One hop forward"), t("hop ▶"), () => this.next()),
      button(t("Next step"), "▶▶", () => this.go(this.#step(1))),
      button(t("To the end"), "▶|", () => this.go(last())),
      this.speeds,
      button(t("Light or dark"), "◐", () => this.#theme(this.root.dataset.theme === "dark" ? "light" : "dark")),
      button(t("Help"), "?", () => this.help.showModal()));
    this.help = el("dialog", { "aria-label": t("Keys") },
      el("h2", {}, t("Keys")),
      el("dl", {}, macvlab.Viewer.keys().flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)])),
      el("p", {}, t("Click a frame for its headers, bytes and verdicts, a device for its ports, counters and, of a switch, forwarding database.")),
      el("form", { method: "dialog" }, el("button", { type: "submit" }, t("Close"))));
    this.#panels();
    const signs = [t("✓ got it"), t("· seen, for another host"), t("✗ dropped here"), t("✗ not: filtered by this rule")];
    const legend = el("p", { class: "legend" }, signs.map((sign) => el("span", {}, sign)));
    this.root.classList.add("mv-viewer");
    this.root.replaceChildren(
      el("header", {}, this.title, this.score),
      el("main", {},
        el("div", { class: "left" }, this.slot, el("div", { class: "head" }, this.where, this.clock), this.canvas, legend,
          this.strip, this.range, controls),
        el("div", { class: "right" }, this.narration, this.tablist, this.panel)),
      this.help,
    );
  }

  #panels() {
    const { el, t } = macvlab;
    this.hops = new macvlab.panels.Hops((index) => this.go(index));
    const words = { steps: t("Steps"), hops: t("Hops"), sequence: t("Sequence"), frame: t("Frame"), device: t("Device") };
    const names = Object.keys(words);
    this.tabs = Object.fromEntries(names.map((name) => [name, el("button", { type: "button", role: "tab", id: `mv-tab-${name}`, "aria-controls": "mv-panel",
      "aria-selected": String(name === this.tab), tabindex: name === this.tab ? "0" : "-1", onclick: () => this.show(name) },
      words[name])]));
    this.tablist = el("div", { class: "tabs", role: "tablist", "aria-label": t("Details") }, Object.values(this.tabs));
    this.tablist.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      const next = names[(names.indexOf(this.tab) + by + names.length) % names.length];
      this.show(next);
      this.tabs[next].focus();
    });
    this.panel = el("div", { class: "panel", role: "tabpanel", id: "mv-panel", "aria-labelledby": "mv-tab-steps" });
  }
};

// Shows a bundle in an element; returns the viewer.
macvlab.mount = (root, bundle, options) => (macvlab.viewer = new macvlab.Viewer(root, bundle, options));

// Shows another bundle in the viewer that was mounted last.
macvlab.update = (bundle, options) => macvlab.viewer.update(bundle, options);

// Mounts a standalone page: its URL names the moment, so that it can be shared.
macvlab.start = (root, bundle) => {
  const wanted = () => Math.max(0, (Number.parseInt(location.hash.slice(1), 10) || 1) - 1);
  const viewer = macvlab.mount(root, bundle, { start: wanted() });
  let later;
  viewer.addEventListener("moment", () => {
    clearTimeout(later);
    later = setTimeout(() => history.replaceState(null, "", `#${viewer.index + 1}`), 400);
  });
  addEventListener("hashchange", () => viewer.go(wanted()));
};
