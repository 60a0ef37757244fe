// The transcripts follow the address; filters, keys and figures change it.
let state = parse(location.hash), marks = [], mark = -1, serial = 0;

// Fills a select with what there is to choose; what is chosen stays so.
const options = (select, entries) => {
  const [first] = select.options, { value } = select;
  select.replaceChildren(first, ...entries.map(([name, label]) => make("option", { value: name }, label)));
  select.value = value;
};
const labelled = (pairs, label = (name) => name) => pairs.map(([name, n]) => [name, label(name) + " (" + number.format(n) + ")"]);
const byWord = (pairs) => pairs.toSorted((a, b) => naturally(a[0], b[0]));
const offer = () => {
  const { groups, verdicts, labels } = source.facets, kinds = new Map(verdicts);
  options($("filter-suite"), index.suites.map((name) => [name, name]));
  options($("filter-group"), labelled(byWord(groups)));
  options($("filter-model"), index.models.map((name) => [name, name]));
  options($("filter-verdict"), [...labelled(VERDICTS.filter((kind) => kinds.has(kind)).map((kind) => [kind, kinds.get(kind)]), (kind) => MARKS[kind] + " " + say(kind)), ["has-score", say("has-score")], ...(index.models.length > 1 ? [["differs", say("differs")]] : [])]);
  options($("filter-label"), labelled(byWord(labels)));
  $("filter-label").closest("label").hidden = $("filter-label").options.length < 3;
  $("filter-group").closest("label").hidden = $("filter-group").options.length < 2;
  $("filter-suite").closest("label").hidden = index.suites.length < 2;
  $("filter-model").closest("label").hidden = index.models.length < 2;
  $("filter-changed").closest("label").hidden = index.baseline === null || index.models.length < 2;
};
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

const follow = (quietly = false) => relist(quietly).catch((error) => { $("count").textContent = error.message; });
// Lists what the address asks for, and opens its question, else the first. `quietly`: what came meanwhile is listed, and the reader stays.
const relist = async (quietly) => {
  const mine = ++serial, isWanted = () => mine === serial;
  if (!quietly) fillForm();
  const found = await source.find(state, isWanted);
  if (found === null || !isWanted()) return;
  $("count").textContent = say("counted", { shown: number.format(found.length), all: count(source.all(), "questions"), trials: count(found.trials, "trials") });
  const opened = await source.open(state.q || found.at(0)?.entry.name || "", state) ?? (found.length > 0 ? await source.open(found.at(0).entry.name, state) : undefined);
  const place = opened ? await found.place(opened.entry.name) : -1;
  if (!isWanted()) return;
  list.show(found, place, quietly);
  if (!opened) { $("sample").replaceChildren(make("p", { class: "note" }, say("nothing-found"))); return; }
  document.body.toggleAttribute("data-chosen", Boolean(state.q));
  const shown = JSON.stringify([opened.entry.name, opened.entry.v]);
  if (quietly && $("sample").dataset.shown === shown) return;
  const places = await read(opened, state, go, isWanted);
  if (!isWanted()) return;
  $("sample").dataset.shown = shown;
  [marks, mark] = [places, -1];
  if (state.search.trim() && document.activeElement !== $("filter-text")) toMark(0); else $("hits").textContent = marks.length === 0 ? "" : count(marks.length, "hits");
};

list.onChoose((name, pointed) => {
  go({ q: name, show: [], beside: "" }, !pointed).then(() => { if (pointed && matchMedia("(max-width: 60rem)").matches) $("sample").scrollIntoView(); });
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
let links = new Map();
const observer = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) links.get(target.id)?.classList.toggle("seen", isIntersecting);
  const first = [...links.values()].find((link) => link.classList.contains("seen"));
  for (const link of links.values()) if (link === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
}, { rootMargin: "-15% 0px -60% 0px" });
const watch = () => {
  links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  document.querySelectorAll("main > section").forEach((section) => observer.observe(section));
};

offer();
watch();
follow();
if (isTranscripts(location.hash) && location.hash !== "#transcripts") $("transcripts").scrollIntoView();
