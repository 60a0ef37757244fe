// The transcripts follow the address; filters, keys and figures change it.
let state = parse(location.hash), rows = [], hits = new Map(), marks = [], mark = -1, serial = 0;

const options = (select, entries) => entries.forEach(([value, label]) => select.append(make("option", { value }, label)));
const tallied = (names) => [...grouped(names, (name) => name)].map(([name, all]) => [name, all.length]);
const everyOutcome = index.samples.flatMap((entry) => index.models.flatMap((_, m) => outcomes(entry, m)));
const labelled = (pairs, label = (name) => name) => pairs.map(([name, n]) => [name, label(name) + " (" + number.format(n) + ")"]);
options($("filter-suite"), index.suites.map((name) => [name, name]));
options($("filter-group"), labelled(tallied(index.samples.flatMap((e) => Object.entries(e.t ?? {}).map(([name, value]) => name + ": " + value))).sort((a, b) => naturally(a[0], b[0]))));
options($("filter-model"), index.models.map((name) => [name, name]));
const kinds = new Map(tallied(everyOutcome.map((o) => o.verdict)));
options($("filter-verdict"), [...labelled(VERDICTS.filter((kind) => kinds.has(kind)).map((kind) => [kind, kinds.get(kind)]), (kind) => MARKS[kind] + " " + say(kind)), ["has-score", say("has-score")], ...(index.models.length > 1 ? [["differs", say("differs")]] : [])]);
options($("filter-label"), labelled(tallied(everyOutcome.map((o) => o.label).filter(Boolean)).sort((a, b) => naturally(a[0], b[0]))));
$("filter-label").closest("label").hidden = $("filter-label").options.length < 3;
$("filter-group").closest("label").hidden = $("filter-group").options.length < 2;
$("filter-suite").closest("label").hidden = index.suites.length < 2;
$("filter-model").closest("label").hidden = index.models.length < 2;
$("filter-changed").closest("label").hidden = index.baseline === null || index.models.length < 2;
if (index.baseline !== null) $("changed-words").textContent = say("changed-against", { model: index.models[index.baseline] });
const SELECTS = ["suite", "group", "model", "verdict", "label"];

// Conditions that no select shows, such as a link's, each with a button that takes it away.
const conditions = () => {
  const all = SELECTS.flatMap((name) => state[name].length > 1 ? state[name].map((value) => [name, value, name === "verdict" ? say(value) : value]) : []);
  state.mark.forEach((value) => all.push(["mark", value, say(value)]));
  if (state.with) all.push(["with", "", say("shared-with", { model: state.with })]);
  if (state.paired) all.push(["paired", "", say(state.paired === "role" ? "in-pairs" : "in-both", { stratum: state.paired })]);
  return all.map(([name, value, text]) => button(text + " ×", () => go({ [name]: Array.isArray(state[name]) ? state[name].filter((v) => v !== value) : "" }), { class: "chip", "aria-label": say("remove", { text }) }));
};

const go = (change, replace = false) => {
  state = { ...state, ...change };
  if (replace) history.replaceState(null, "", address(state)); else history.pushState(null, "", address(state));
  return follow();
};

const fillForm = () => {
  for (const name of SELECTS) $("filter-" + name).value = state[name].length === 1 ? state[name][0] : "";
  $("filter-changed").checked = Boolean(state.changed);
  $("sort").value = state.sort;
  if ($("filter-text").value.trim() !== state.search.trim()) $("filter-text").value = state.search;
  $("conditions").replaceChildren(...conditions());
};

const toMark = (at) => {
  marks[mark]?.classList.remove("current");
  mark = marks.length === 0 ? -1 : (at + marks.length) % marks.length;
  marks[mark]?.classList.add("current");
  marks[mark]?.scrollIntoView({ block: "center" });
  $("hits").textContent = marks.length === 0 ? "" : say("hit", { at: mark + 1, all: marks.length });
};

// Lists what the address asks for, and opens its question, else the first.
const follow = async () => {
  const mine = ++serial, wanted = state.search.trim().toLowerCase();
  fillForm();
  let found = matching(state);
  hits = new Map();
  if (wanted) {
    for (const hit of await store.search(wanted)) hits.set(hit.c + "/" + hit.k, hit.models);
    if (mine !== serial) return;
    found = found.filter(({ entry }) => hits.has(entry.c + "/" + entry.k));
  }
  rows = SORTS[state.sort]?.(found) ?? found;
  const trials = rows.reduce((n, row) => n + row.models.reduce((own, m) => own + outcomes(row.entry, m).length, 0), 0);
  $("count").textContent = say("counted", { shown: number.format(rows.length), all: count(index.samples.length, "questions"), trials: count(trials, "trials") }) + (index.left_out > 0 ? " " + say("left-out", { n: number.format(index.left_out) }) : "");
  const entry = byName.get(state.q) ?? rows[0]?.entry;
  list.show(rows, entry?.name);
  if (!entry) { $("sample").replaceChildren(make("p", { class: "note" }, say("nothing-found"))); return; }
  const places = await read(entry, state, hits.get(entry.c + "/" + entry.k), go);
  if (mine !== serial) return;
  [marks, mark] = [places, -1];
  if (wanted && document.activeElement !== $("filter-text")) toMark(0); else $("hits").textContent = marks.length === 0 ? "" : count(marks.length, "hits");
};

list.onChoose((i, pointed) => {
  go({ q: list.row(i).entry.name, show: [], beside: "" }, !pointed).then(() => { if (pointed && matchMedia("(max-width: 60rem)").matches) $("sample").scrollIntoView(); });
});

$("filters").addEventListener("submit", (event) => event.preventDefault());
for (const name of SELECTS) $("filter-" + name).addEventListener("change", (event) => go({ [name]: event.target.value ? [event.target.value] : [], q: "" }));
$("filter-changed").addEventListener("change", (event) => go({ changed: event.target.checked ? "1" : "", q: "" }));
$("sort").addEventListener("change", (event) => go({ sort: event.target.value, q: "" }));
let typing;
$("filter-text").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => go({ search: $("filter-text").value, q: "" }, true), 30); });
$("clear").addEventListener("click", () => go(parse("")));

// An address that somebody opened, followed or went back to.
const arrive = () => {
  if (!isTranscripts(location.hash)) return;
  state = parse(location.hash);
  follow();
  if (location.hash !== "#transcripts" && !inReader()) $("transcripts").scrollIntoView();
};
const inReader = () => { const { top, bottom } = $("transcripts").getBoundingClientRect(); return top < innerHeight / 2 && bottom > 0; };
addEventListener("hashchange", arrive);
addEventListener("popstate", arrive);

const help = $("help");
const KEYS = {
  j: () => list.step(1), k: () => list.step(-1), n: () => toMark(mark + 1), p: () => toMark(mark - 1),
  "/": () => { $("transcripts").scrollIntoView(); $("filter-text").focus(); }, "?": () => help.showModal(),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const typingNow = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (event.key === "Escape" && event.target === $("filter-text")) { event.preventDefault(); $("filter-text").value = ""; go({ search: "" }, true); $("samples").focus(); }
  else if (event.key === "Escape" && inReader()) $("samples").focus({ preventScroll: true });
  else if (event.key === "Enter" && event.target === $("filter-text")) toMark(0);
  else if (!typingNow && KEYS[event.key] && (inReader() || event.key === "/" || event.key === "?")) { event.preventDefault(); KEYS[event.key](); }
});
$("samples").addEventListener("keydown", (event) => {
  const moves = { ArrowDown: () => list.step(1), ArrowUp: () => list.step(-1), PageDown: () => list.step(list.perPage()), PageUp: () => list.step(-list.perPage()), Home: () => list.to(0), End: () => list.to(-1) };
  if (moves[event.key]) { event.preventDefault(); moves[event.key](); }
});
$("show-help").addEventListener("click", () => help.showModal());
$("close-help").addEventListener("click", () => help.close());

// Where the reader is.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const observer = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) links.get(target.id)?.classList.toggle("seen", isIntersecting);
  const first = [...links.values()].find((link) => link.classList.contains("seen"));
  for (const link of links.values()) if (link === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
}, { rootMargin: "-15% 0px -60% 0px" });
document.querySelectorAll("main > section").forEach((section) => observer.observe(section));

follow();
if (isTranscripts(location.hash) && location.hash !== "#transcripts") $("transcripts").scrollIntoView();
