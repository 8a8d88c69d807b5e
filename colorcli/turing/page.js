"use strict";

const study = JSON.parse(document.getElementById("study").textContent);
const STORE = `colorcli-turing/${study.study}/${study.digest}`;
const PAUSE = 600; // ms of a cross before pictures that are shown for a short time
const GUARD = 250; // ms after pictures appear in which no answer is taken: the end of a double click
const MARKS = [1, 2, 3, 4, 5];
const single = study.protocol === "single";
const options = single ? ["real", "coloured"] : study.items[0].pictures;
const stage = document.getElementById("stage");
let state, order, turned; // this participant's answers, trials in order, and by how much pictures are turned
let kept = true; // whether the browser could keep the answers
let onKey = () => {};
let screen = 0; // counts what was shown: what began for an earlier screen gives up

// ---------------------------------------------------------------- participant

function newState() {
  const participant = [...crypto.getRandomValues(new Uint8Array(8))].map((x) => x.toString(16).padStart(2, "0")).join("");
  return { participant, started: 0, finished: 0, practised: 0, answers: [], sent: false };
}

function load() {
  let saved = null;
  try { saved = JSON.parse(localStorage.getItem(STORE)); } catch { /* nothing is kept: save() tells */ }
  state = saved ?? newState();
  const key = new Map(study.items.map((item) => [item, sha256(`${state.participant}:${item.id}`)]));
  order = [...study.items].sort((a, b) => (key.get(a) < key.get(b) ? -1 : 1));
  turned = parseInt(sha256(`${state.participant}:${study.study}`).slice(0, 8), 16);
}

function save() {
  try { localStorage.setItem(STORE, JSON.stringify(state)); kept = true; } catch { kept = false; }
  return kept;
}

function files(item) {
  const shift = turned % item.pictures.length;
  return [...item.pictures.slice(shift), ...item.pictures.slice(0, shift)];
}

// ---------------------------------------------------------------- building blocks

function el(tag, properties = {}, ...children) {
  const { style, ...rest } = properties;
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (name in node) node[name] = value; else node.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(style ?? {})) node.style.setProperty(name, value);
  node.append(...children);
  return node;
}

function show(heading, ...children) {
  screen += 1;
  onKey = () => {};
  heading.tabIndex = -1;
  stage.replaceChildren(heading, ...children);
  window.scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  return screen;
}

function text(heading, ...children) {
  const box = el("div", { className: "text" }, ...children);
  const current = show(heading, box);
  box.prepend(heading); // which takes the focus away
  heading.focus({ preventScroll: true });
  return current;
}

function button(label, action, main = true) {
  return el("button", { type: "button", className: main ? "main" : "", onclick: action }, label);
}

function say(words) { document.getElementById("said").textContent = words; }

function place(words, done, of) {
  document.querySelector("header").hidden = !words;
  document.getElementById("place").textContent = words;
  const bar = document.getElementById("bar");
  bar.hidden = !of;
  if (of) { bar.max = of; bar.value = done; }
}

function plural(count, word) { return `${count} ${word}${count === 1 ? "" : "s"}`; }

function pictureName(i) {
  return single ? "The picture" : `Picture ${i + 1}`;
}

// Enter stands for a screen's button; a focused control does its own thing
function enter(action) {
  return (event) => {
    if (event.key === "Enter" && !event.target.closest("button, a, summary, textarea")) action();
  };
}

// ---------------------------------------------------------------- before and between

const QUESTION = {
  pairs: "Which picture was coloured by a computer?",
  triples: "Which picture is the real photo?",
  single: "Is this a real photo, or was it coloured by a computer?",
}[study.protocol];

const TASK = {
  pairs: "You will see pairs of pictures. One of them is a real colour photo. The other is the same photo, made black and white and then coloured by a computer. Say which one the computer coloured.",
  triples: "You will see a photo several times, side by side. One of the pictures is the real colour photo. The others were made black and white and then coloured by computers. Say which one is real.",
  single: "You will see pictures, one at a time. Some are real colour photos. Others were made black and white and then coloured by a computer. Say which kind each one is.",
}[study.protocol];

function keyHelp() {
  const numbers = [1, options.length].flatMap((n, i) => [i ? (options.length > 2 ? " to " : ", ") : "", el("kbd", {}, String(n))]);
  const arrows = options.length === 2 ? [" or ", el("kbd", {}, "←"), " ", el("kbd", {}, "→")] : [];
  return el("p", { className: "faint keys" }, "With a keyboard: ", ...numbers, ...arrows, " to answer, ", el("kbd", {}, "Enter"), " to go on.");
}

function intro() {
  const done = state.answers.length;
  const begun = done > 0 || state.practised > 0;
  place("", 0, 0);
  const go = () => { state.started ||= Date.now(); next(); };
  const lines = [el("p", {}, TASK)];
  if (study.exposure) lines.push(el("p", {}, `Look closely: ${single ? "each one is" : "they are"} shown for ${plural(study.exposure / 1000, "second")} only. Then take the time you need.`));
  if (study.rate) lines.push(el("p", {}, "After each answer, give marks from 1 to 5 for how real the pictures look."));
  lines.push(el("p", {}, study.practice.length
    ? `It starts with ${plural(study.practice.length, "practice question")}, where you are told the answer. Then come ${plural(order.length, "question")}, without.`
    : `There are ${plural(order.length, "question")}.`));
  lines.push(el("p", {}, study.upload
    ? `Your answers are sent to ${new URL(study.upload).host} when you are done. No name is asked for.`
    : "Your answers stay on this device until you hand them on. No name is asked for."));
  lines.push(keyHelp());
  if (begun) lines.push(el("p", {}, el("strong", {}, `Welcome back: ${done} of ${order.length} questions are answered.`)));
  if (!save()) lines.push(el("p", { className: "bad" }, "This browser does not let the page remember: keep it open until you are done."));
  text(el("h1", {}, study.title), ...lines, el("div", { className: "row" }, button(begun ? "Go on" : "Start", go)));
  onKey = enter(go);
}

function practiceOver() {
  const go = () => { state.practised += 1; save(); next(); };
  place("", 0, 0);
  text(el("h2", {}, "That was the practice"),
    el("p", {}, `Now ${plural(order.length, "question")} follow, and you are no longer told the answer. If you cannot tell, guess.`),
    el("div", { className: "row" }, button("Begin", go)));
  onKey = enter(go);
}

function next() {
  const practices = study.practice.length;
  if (state.practised < practices) return trial(study.practice[state.practised], true);
  if (practices && state.practised === practices) return practiceOver();
  if (state.answers.length < order.length) return trial(order[state.answers.length], false);
  return thanks();
}

// ---------------------------------------------------------------- a trial

async function decoded(item) {
  return Promise.all(files(item).map(async (file) => {
    const image = el("img", { src: file, alt: single ? "Picture to judge" : "", draggable: false });
    await image.decode();
    return image;
  }));
}

async function trial(item, practising) {
  const [done, of] = practising ? [state.practised, study.practice.length] : [state.answers.length, order.length];
  const current = ++screen;
  onKey = () => {};
  let images;
  try { images = await decoded(item); } catch { return missing(); }
  if (current !== screen) return undefined;
  place(`${practising ? "Practice" : "Question"} ${done + 1} of ${of}`, done, of);
  if (!practising && order[done + 1]) decoded(order[done + 1]).catch(() => {});
  const answer = await ask(images);
  if (!answer) return undefined;
  const choice = single ? options[answer.option] : files(item)[answer.option];
  const marks = study.rate ? await askMarks(images) : null;
  if (study.rate && !marks) return undefined;
  if (practising) return feedback(item, images, choice);
  const record = { item: item.id, choice, ms: answer.ms };
  if (marks) record.marks = marks;
  state.answers.push(record);
  if (state.answers.length === order.length) state.finished = Date.now();
  save();
  return next();
}

function grid(cells, images, extra = "") {
  const columns = Math.min(cells.length, cells.length === 4 ? 2 : 3);
  const ratio = images[0].naturalWidth / images[0].naturalHeight;
  const kind = { 1: "few", 2: "few pair" }[cells.length] ?? "";
  return el("div", { className: `pictures ${kind} ${extra}`, style: { "--columns": columns, "--ratio": ratio } }, ...cells);
}

// Resolves to the option chosen and the ms it took; to nothing if another screen came in between
function ask(images) {
  return new Promise((resolve) => {
    let shown = null;
    const frames = images.map(() => el("span", { className: "frame off" }, el("span", { className: "cross", ariaHidden: "true" }, "+")));
    const choose = (option) => {
      if (shown === null || performance.now() - shown < GUARD) return;
      const ms = Math.round(performance.now() - shown);
      shown = null;
      resolve(current === screen ? { option, ms } : null);
    };
    const cells = frames.map((frame, i) => (single
      ? el("figure", { className: "picture" }, frame)
      : el("button", { type: "button", className: "picture", onclick: () => choose(i) }, frame, el("span", {}, pictureName(i)))));
    const buttons = single
      ? ["Real photo", "Coloured by a computer"].map((label, i) => el("button", { type: "button", onclick: () => choose(i) }, label))
      : cells;
    const current = show(el("h2", {}, QUESTION), grid(cells, images), ...(single ? [el("div", { className: "row choices" }, ...buttons)] : []));
    onKey = (event) => answerKey(event, buttons, choose);
    const reveal = () => {
      if (current !== screen) return;
      frames.forEach((frame, i) => { frame.className = "frame"; frame.replaceChildren(images[i]); });
      requestAnimationFrame(() => { shown = performance.now(); });
      if (study.exposure) setTimeout(conceal, study.exposure);
    };
    const conceal = () => {
      if (current !== screen) return;
      frames.forEach((frame) => { frame.className = "frame off"; frame.replaceChildren(el("span", { className: "cross" }, "?")); });
    };
    if (study.exposure) setTimeout(reveal, PAUSE); else reveal();
  });
}

function answerKey(event, buttons, choose) {
  const digit = Number(event.key);
  if (digit >= 1 && digit <= buttons.length) return choose(digit - 1);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return undefined;
  event.preventDefault();
  if (buttons.length === 2) return choose(step < 0 ? 0 : 1);
  const at = buttons.indexOf(document.activeElement);
  return buttons[at < 0 ? (step < 0 ? buttons.length - 1 : 0) : (at + step + buttons.length) % buttons.length].focus();
}

// Resolves to { file: mark }
function askMarks(images) {
  return new Promise((resolve) => {
    const marks = {};
    const fields = images.map((image, i) => markField(image, i, (mark) => { marks[file(image)] = mark; update(); }));
    const visible = study.exposure ? [] : images;
    const cells = fields.map((field, i) => el("div", { className: "picture" },
      ...visible.slice(i, i + 1).map((image) => el("span", { className: "frame" }, image)), field));
    const go = () => { if (Object.keys(marks).length === images.length) resolve(current === screen ? marks : null); };
    const on = button("Next", go);
    const current = show(el("h2", {}, single ? "How real did the picture look?" : "How real do the pictures look?"),
      el("p", { className: "faint", style: { "text-align": "center", margin: "0 0 0.5rem" } }, "1 not at all, 5 completely"),
      grid(cells, images, "rated"), el("div", { className: "row" }, on));
    const pending = () => fields.findIndex((field, i) => !(file(images[i]) in marks));
    const update = () => {
      on.disabled = pending() >= 0;
      fields.forEach((field, i) => field.classList.toggle("now", fields.length > 1 && i === pending()));
    };
    update();
    onKey = (event) => {
      if (event.key === "Enter") return event.target === on ? undefined : go();
      const mark = Number(event.key);
      if (!MARKS.includes(mark)) return undefined;
      const focused = fields.findIndex((field) => field.contains(document.activeElement));
      const i = focused >= 0 ? focused : pending();
      if (i >= 0) fields[i].querySelector(`input[value="${mark}"]`).click();
      return undefined;
    };
  });
}

function file(image) { return image.getAttribute("src"); }

function markField(image, i, onMark) {
  return el("fieldset", {},
    el("legend", {}, pictureName(i)),
    el("div", { className: "marks" }, ...MARKS.map((mark) => el("label", {},
      el("input", { type: "radio", name: `mark-${i}`, value: String(mark), onchange: () => onMark(mark) }),
      el("span", {}, String(mark))))));
}

function feedback(item, images, choice) {
  const right = choice === item.answer;
  const truth = { real: "It is a real photo.", coloured: "It was coloured by a computer." };
  const name = pictureName(files(item).indexOf(item.answer));
  const answer = single ? truth[item.answer]
    : `${name} ${study.protocol === "pairs" ? "was coloured by a computer" : "is the real photo"}.`;
  const words = `${right ? "Right." : "Not so."} ${answer}`;
  const go = () => { state.practised += 1; save(); next(); };
  const cells = images.map((image, i) => el("figure", { className: `picture${file(image) === item.answer ? " marked" : ""}` },
    el("span", { className: "frame" }, image), ...(single ? [] : [el("figcaption", {}, pictureName(i))])));
  show(el("h2", { className: right ? "good" : "bad" }, words), grid(cells, images), el("div", { className: "row" }, button("Next", go)));
  say(words);
  onKey = enter(go);
}

function missing() {
  text(el("h2", { className: "bad" }, "A picture could not be loaded"),
    el("p", {}, "The page and its pictures belong in one folder: copy or unpack the whole folder, or try again when the connection is back. Nothing that you answered is lost."),
    el("div", { className: "row" }, button("Try again", next)));
}

// ---------------------------------------------------------------- the end

function result() {
  const { participant, started, finished, answers } = state;
  const body = { format: "colorcli-turing-answers/1", study: study.study, digest: study.digest, participant, started, finished, answers };
  return JSON.stringify({ ...body, checksum: sha256(canonical(body)) }, null, 1);
}

async function send(content, status) {
  status.className = "";
  status.textContent = "Sending…";
  try {
    // text/plain: a type that a page may post to another site without asking it first
    const reply = await fetch(study.upload, { method: "POST", headers: { "Content-Type": "text/plain;charset=UTF-8" }, body: content, credentials: "omit" });
    if (!reply.ok) throw new Error(`answered ${reply.status}`);
    state.sent = true;
    save();
    status.className = "good";
    status.textContent = "Your answers have been sent.";
  } catch (error) {
    status.className = "bad";
    status.textContent = `It is not certain that your answers arrived (${error.message}). Send again, or save them and hand the file on.`;
  }
}

function thanks() {
  const content = result();
  const name = `answers-${study.study}-${state.participant.slice(0, 8)}.json`;
  const url = URL.createObjectURL(new Blob([content], { type: "application/json" }));
  const status = el("p", { role: "status", id: "sent" });
  const again = () => {
    if (confirm("Remove these answers from this browser and start again for another person?")) {
      state = newState();
      save();
      load();
      intro();
    }
  };
  place("Done", 1, 1);
  text(el("h1", {}, "Thank you"),
    el("p", {}, study.upload ? "All questions are answered." : "All questions are answered. Save your answers, and hand the file to whoever invited you."),
    ...(study.upload ? [status] : []),
    el("div", { className: "row" },
      el("a", { className: `button ${study.upload ? "" : "main"}`, id: "download", href: url, download: name }, "Save the answers"),
      ...(study.upload ? [button("Send again", () => send(content, status), false)] : []),
      button("Another person", again, false)),
    el("details", {}, el("summary", {}, "The answers as text, to copy"), el("textarea", { readOnly: true, ariaLabel: "Answers", value: content })));
  if (study.upload && state.sent) { status.className = "good"; status.textContent = "Your answers have been sent."; }
  if (study.upload && !state.sent) send(content, status);
}

// ---------------------------------------------------------------- start

document.addEventListener("keydown", (event) => {
  if (!event.repeat && !event.ctrlKey && !event.altKey && !event.metaKey) onKey(event);
});
// answered in another tab as well: go on from where that one is
window.addEventListener("storage", (event) => { if (event.key === STORE) { load(); intro(); } });
window.addEventListener("beforeunload", (event) => { if (state.answers.length && !kept) event.preventDefault(); });

load();
if (state.answers.length === order.length) thanks(); else intro();
