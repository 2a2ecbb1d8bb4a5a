// Lessons: questions and predictions, the run that answers them, and exercises. What is asked, right and reached comes from the
// engine; here is what the learner has chosen, which the browser keeps if it may.
"use strict";

const playLessons = (() => {
  const { t } = macvlab;
  const $ = (id) => document.getElementById(id);
  // Where the progress is kept: for each lesson's key { parts: [{ answers, hints, solved }] }.
  const STORE = "macvlab lessons";
  let element, ask, alone, actText, go;
  let progress = {};
  // The lesson that is taken, where the learner is in it, the last answer, and the list of lessons while it is shown.
  let lesson = null;
  let place = null;
  let shown = null;
  let course = null;
  // What this visit of a part came to: the choices, whether it was run, and whether what is asked afterwards was answered.
  let visit = null;

  // Progress ---------------------------------------------------------------------------------------------------------

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE));
      return kept && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
    } catch {
      return {};
    }
  }

  // Without a store the progress lasts as long as the page.
  function save() {
    try {
      localStorage.setItem(STORE, JSON.stringify(progress));
    } catch {
      // The browser denies it.
    }
  }

  // The progress in the part at which the learner is.
  function mine() {
    const kept = progress[place.key]?.parts;
    const parts = Array.isArray(kept) ? kept : [];
    progress[place.key] = { parts: lesson.parts.map((part, index) => {
      const answers = Array.isArray(parts[index]?.answers) ? parts[index].answers : [];
      const hints = Number(parts[index]?.hints) || 0;
      return { answers: part.predictions.map((_, asked) => answers[asked] ?? null), hints, solved: parts[index]?.solved === true };
    }) };
    return progress[place.key].parts[place.part - 1];
  }

  // The learner chooses; the first choice counts.
  function choose(after) {
    const { answers } = mine();
    part().predictions.forEach((asked, index) => {
      if (asked.after === after) answers[index] ??= visit.chosen[index];
    });
    save();
  }

  // Lists of the engine ----------------------------------------------------------------------------------------------

  // A progress that the engine cannot read is given up.
  async function fetchCourse() {
    try {
      return await playTransport.request("course", { progress });
    } catch {
      progress = {};
      return playTransport.request("course", { progress });
    }
  }

  const part = () => lesson.parts[place.part - 1];

  // Shows what an answer to a request says of the lesson.
  async function show(answer, what) {
    shown = answer;
    const before = place;
    place = answer.lesson ?? null;
    const anew = what === "open" || what === "language";
    if (place && (anew || lesson?.key !== place.key)) lesson = await playTransport.request("lesson");
    if (course && what === "language") course = await fetchCourse();
    if (!place) lesson = null;
    const moved = place && (before?.key !== place.key || before.part !== place.part || before.exercise !== place.exercise);
    const went = ["open", "take", "part", "exercise"].includes(what);
    if (went) course = null;
    // What was found in another network.
    if (what === "take") $("findings").hidden = true;
    if (place && (moved || went)) arrive();
    if (what === "run") visit.ran = true;
    if (answer.goals?.reached && !mine().solved) {
      mine().solved = true;
      save();
    }
    render();
    if (went) toTop();
  }

  // A part that is visited again shows what was chosen.
  function arrive() {
    const { answers } = mine();
    const { first, steps } = part();
    const ran = place.exercise || (steps > 0 && shown.state.done.length >= first - 1 + steps);
    visit = { chosen: [...answers], ran, answered: ran && answers.every((answer) => answer !== null), solution: false };
  }

  // The course -------------------------------------------------------------------------------------------------------

  const toggle = () => alone(async () => {
    course = course ? null : await fetchCourse();
    render();
    if (course) toTop();
  });

  // Takes a lesson, and goes on where its learner was.
  async function take({ name, next }) {
    if ((await ask("take", name ? { name } : {})) && next > 1) await ask("part", { part: next });
  }

  // A lesson with which the page was opened.
  async function begin() {
    const untouched = place.part === 1 && !place.exercise && shown.state.done.length === 0;
    if (!untouched || !progress[place.key]) return;
    const { lessons } = await fetchCourse();
    const next = lessons.find(({ key }) => key === place.key)?.next;
    if (next > 1) await ask("part", { part: next });
  }

  function scored({ asked, right, solved }) {
    const exercises = solved === 1 ? t("one exercise solved") : t("{} exercises solved", solved);
    return t("{} of {} predictions right, {}", right, asked, exercises);
  }

  function list() {
    const items = course.lessons.map((one) => {
      const open = button(`take ${one.key}`, one.title, () => take(one), { class: "title" });
      const state = one.next === null ? t("✓ done") : one.score.asked > 0 ? t("part {} of {}", one.next, one.parts) : "";
      if (one.key === place?.key) open.setAttribute("aria-current", "true");
      return element("li", {}, open, element("span", { class: "hint" }, state));
    });
    const forget = button("forget", t("Forget the progress"), () => {
      if (forget.dataset.sure) {
        progress = {};
        save();
        if (place) arrive();
        return alone(async () => {
          course = await fetchCourse();
          render();
        });
      }
      forget.dataset.sure = "yes";
      forget.textContent = t("Press again to forget all answers");
      return undefined;
    });
    return [
      element("h2", {}, t("Lessons")),
      element("p", { class: "hint" }, t("What macvlan does in each mode: predict, watch, and try for yourself. About half an hour in all.")),
      element("ol", { class: "course" }, ...items),
      course.score.asked > 0 || course.score.solved > 0 ? element("p", { class: "score" }, scored(course.score)) : null,
      row(
        button("back", place ? t("Back to the lesson") : t("Back to the lab"), toggle),
        place && lesson.name ? button("leave", t("Leave the lessons"), () => ask("take", {})) : null, forget,
      ),
    ];
  }

  // A part -----------------------------------------------------------------------------------------------------------

  function button(key, text, run, more) {
    const made = element("button", { type: "button", ...more }, text);
    made.dataset.key = key;
    made.addEventListener("click", run);
    return made;
  }

  const row = (...buttons) => element("div", { class: "row" }, ...buttons.filter(Boolean));

  function heading() {
    const parts = lesson.parts.map((_, index) => {
      const to = button(`part ${index + 1}`, String(index + 1), () => ask("part", { part: index + 1 }), { "aria-label": t("Part {}", index + 1) });
      if (index === place.part - 1) to.setAttribute("aria-current", "step");
      return to;
    });
    const nav = parts.length > 1 ? element("nav", { class: "parts", "aria-label": t("Parts") }, ...parts) : null;
    return element("div", { class: "heading" }, element("h2", {}, lesson.title), nav);
  }

  // A prediction: its choices, or once it is answered what is to be said about the one that was made and the right ones.
  function prediction(asked, index, answered) {
    const legend = element("legend", {}, asked.question);
    if (answered) return element("fieldset", {}, legend, ...asked.choices.map((choice, number) => judged(choice, visit.chosen[index] === number)));
    const hint = asked.several ? element("p", { class: "hint" }, t("More than one is right; choose any of them.")) : null;
    const choices = asked.choices.map((choice, number) => {
      const box = element("input", { type: "radio", name: `prediction ${index}`, checked: visit.chosen[index] === number });
      box.dataset.key = `choice ${index + 1} ${number + 1}`;
      box.addEventListener("change", () => {
        visit.chosen[index] = number;
        for (const go of document.querySelectorAll("#lesson [data-waits]")) go.disabled = waits(go.dataset.waits === "after");
      });
      return element("label", { class: "choice" }, box, element("span", {}, choice.text));
    });
    return element("fieldset", {}, legend, hint, ...choices);
  }

  function judged(choice, chosen) {
    if (!chosen && !choice.right) return element("p", { class: "judged" }, choice.text);
    const mark = choice.right ? element("span", { class: "good" }, "✓ ") : element("span", { class: "bad" }, "✗ ");
    const whose = chosen ? element("strong", {}, choice.text) : choice.text;
    return element("p", { class: "judged told" }, mark, whose, element("span", { class: "why" }, choice.why));
  }

  const waits = (after) => part().predictions.some((asked, index) => asked.after === after && visit.chosen[index] === null);

  function predictions(after, answered) {
    const all = part().predictions.map((asked, index) => (asked.after === after ? prediction(asked, index, answered) : null));
    return all.filter(Boolean);
  }

  function question() {
    const said = part().predictions.some((asked) => !asked.after && asked.question === part().question);
    return said ? null : element("p", { class: "question" }, part().question);
  }

  function run() {
    const doIt = () => {
      choose(false);
      ask("run", { part: place.part });
    };
    const start = button("run", part().steps > 0 ? t("▶ Run it") : t("Answer"), doIt, { class: "main", disabled: waits(false) });
    start.dataset.waits = "before";
    const known = part().exercise && mine().answers.every((answer) => answer !== null);
    return row(start, known ? exerciseButton(t("To the exercise"), "") : null);
  }

  // The steps of the part, each with its outcome.
  function outcomes() {
    const { first, steps } = part();
    const done = shown.state.done.slice(first - 1, first - 1 + steps);
    const items = done.map((told) => element("li", {}, `${told.action}: `, element("span", { class: "outcome" }, told.outcome)));
    return items.length ? element("ol", { class: "ran", start: first }, ...items) : null;
  }

  function answer() {
    const doIt = () => {
      choose(true);
      visit.answered = true;
      render();
      $("lesson").querySelector("[data-key=explained]")?.focus();
    };
    const give = button("answer", t("Answer"), doIt, { class: "main", disabled: waits(true) });
    give.dataset.waits = "after";
    return row(give);
  }

  // The moment at which a rule decides in a step.
  function moment(rule, number) {
    const { AT } = macvlab;
    const { bundle } = shown;
    const step = bundle.steps.find((one) => one.step === number);
    const is = (index) => index >= 0 && bundle.rules[index].id === rule;
    const found = bundle.moments.findIndex((m) => m[AT.STEP] === number
      && (is(m[AT.RULE]) || (m[AT.DECISION] >= 0 && bundle.decisions[m[AT.DECISION]].ways.some((way) => !way[3] && is(way[2])))));
    return found >= 0 ? found : step?.first ?? 0;
  }

  function explanation() {
    const rules = part().rules.map(({ rule, title, why, places }) => {
      const id = places.length === 0 ? element("span", { class: "rule" }, rule)
        : button(`rule ${rule}`, rule, () => go(moment(rule, places[0][0])), { class: "rule", title: t("Show where: {}", places[0][1]) });
      return element("li", {}, id, " ", element("span", { class: "name" }, title), element("span", { class: "why" }, why));
    });
    const said = element("h3", { tabIndex: -1 }, t("Explanation"));
    said.dataset.key = "explained";
    return [said, element("p", {}, part().explanation), rules.length ? element("ul", { class: "rules" }, ...rules) : null];
  }

  // What follows a part: its exercise, the next one, the next lesson, or the score.
  function onward() {
    if (part().exercise && !place.exercise) return [exerciseButton(t("Now try it yourself"), "main")];
    if (place.part < lesson.parts.length) {
      return [button("next", t("Next part"), () => ask("part", { part: place.part + 1 }), { class: isOver() ? "main" : "" })];
    }
    const next = async () => {
      const { lessons } = await alone(fetchCourse);
      const following = lessons[lessons.findIndex(({ key }) => key === place.key) + 1];
      await (following ? take(following) : toggle());
    };
    return [button("next", t("Next lesson"), next, { class: isOver() ? "main" : "" }), button("score", t("Score"), toggle)];
  }

  const isOver = () => !part().exercise || mine().solved;

  const exerciseButton = (text, kind) => button("exercise", text, () => ask("exercise", { part: place.part }), { class: kind });

  // An exercise ------------------------------------------------------------------------------------------------------

  function terms({ changes, keep }) {
    const said = [];
    if (changes === 1) said.push(t("One change is allowed."));
    else if (changes !== null) said.push(t("{} changes are allowed.", changes));
    if (keep.length) said.push(t("Leave as they are: {}.", keep.join(t(", "))));
    return said.length ? element("p", { class: "hint" }, said.join(" ")) : null;
  }

  function goals() {
    const found = shown.goals;
    if (!found) return [element("p", { class: "bad" }, t("The goals cannot be checked behind these steps: undo the last one."))];
    const items = found.goals.map(({ action, outcome, held }) => element("li", { class: held ? "good" : "bad" }, `${action}: `, element("span", { class: "outcome" }, outcome)));
    const broken = found.touched.map((name) => element("p", { class: "bad" }, t("✗ {} was changed: undo that.", name)));
    if (found.too_many) broken.push(element("p", { class: "bad" }, t("✗ Changes: {}, and {} allowed. Undo takes back the last step.", found.changes, found.allowed)));
    return [element("h3", {}, t("Goals")), element("ul", { class: "goals" }, ...items), ...broken];
  }

  function help({ hints, solution }, why) {
    const known = mine().hints;
    const given = hints.slice(0, known).map((text) => element("li", {}, text));
    const more = known < hints.length && !visit.solution ? button("hint", t("Hint ({} of {})", known + 1, hints.length), () => {
      mine().hints = known + 1;
      save();
      render();
    }) : null;
    const reveal = visit.solution ? null : button("solution", t("Show the solution"), () => {
      visit.solution = true;
      render();
    });
    const steps = solution.map(([words, text], index) => element("li", {}, words, element("code", {}, text),
      button(`solve ${index + 1}`, t("Run"), () => actText(text))));
    return [
      given.length ? element("ul", { class: "hints" }, ...given) : null,
      visit.solution ? element("ol", { class: "solution" }, ...steps) : null, why,
      row(more, reveal, button("again", t("Start again"), () => ask("exercise", { part: place.part })), ...onward()),
    ];
  }

  function exercise() {
    const set = part().exercise;
    const reached = shown.goals?.reached;
    const solved = reached ? element("p", { class: "solved" }, t("✓ Solved.")) : null;
    const why = set.explanation && (reached || visit.solution) ? element("p", {}, set.explanation) : null;
    const done = [question(), ...predictions(false, true), ...predictions(true, true), ...explanation()];
    return [
      element("h3", {}, t("Exercise")), element("p", { class: "task" }, set.task), terms(set), ...goals(), solved,
      reached ? null : element("p", { class: "hint" }, t("Use the controls below, or the ends of the cables in the diagram.")),
      ...(reached ? [why, row(...onward())] : help(set, why)),
      element("details", {}, element("summary", {}, t("The question and its explanation")), ...done.filter(Boolean)),
    ];
  }

  function taking() {
    if (place.exercise) return exercise();
    if (!visit.ran) return [question(), ...predictions(false, false), run()];
    const after = predictions(true, visit.answered);
    const begun = [question(), ...predictions(false, true), outcomes(), ...after];
    const answered = visit.answered || after.length === 0;
    return answered ? [...begun, ...explanation(), row(...onward())] : [...begun, answer()];
  }

  // The panel --------------------------------------------------------------------------------------------------------

  function render() {
    const panel = $("lesson");
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    panel.hidden = !lesson && !course;
    $("lessons").setAttribute("aria-expanded", String(course !== null));
    // Before an exercise a lesson is watched.
    $("panel").hidden = Boolean(course) || (lesson !== null && !place.exercise);
    panel.replaceChildren(...(course ? list() : lesson ? [heading(), ...taking()] : []).filter(Boolean));
    if (focused === null) return;
    const same = [...panel.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused && !one.disabled);
    (same || panel).focus({ preventScroll: Boolean(same) });
  }

  function toTop() {
    $("side").scrollTop = 0;
    if (!matchMedia("(max-width: 999px)").matches) return;
    // There the result stays in sight, above the rest.
    $("lesson").style.scrollMarginTop = `${$("result").offsetHeight}px`;
    $("lesson").scrollIntoView({ block: "start" });
  }

  // Beside a result, what leads from the controls and the diagram back to the lesson.
  function back() {
    if (!lesson) return null;
    const all = shown.goals?.goals ?? [];
    const text = place.exercise ? t("Goals: {} of {}", all.filter(({ held }) => held).length, all.length) : t("Back to the lesson");
    return button("to lesson", text, toTop, { class: place.exercise ? "tolesson" : "tolesson narrow" });
  }

  // What is said in the place of a result.
  function told() {
    if (!lesson) return null;
    if (place.exercise) return [t("Now you:"), t("change the lab until the goals are reached.")];
    return [t("Part {} of {}:", place.part, lesson.parts.length), t("predict what happens, then run it.")];
  }

  function mount(tools) {
    ({ element, ask, alone, actText, go } = tools);
    progress = load();
    $("lessons").addEventListener("click", toggle);
  }

  return { mount, show, begin, told, back, taken: () => place !== null, first: () => part().first };
})();
