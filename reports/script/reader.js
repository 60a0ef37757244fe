// One question with the answers of the models chosen, side by side; its partner of the pair beside it.
const MOST_SHOWN = 4;

const badge = (kind, more) => make("span", { class: "badge verdict " + kind }, make("span", { "aria-hidden": "true" }, MARKS[kind] + " "), say(kind) + (more ? " · " + more : ""));

// Whose answers are shown where nobody chose: every one's where there are few, else the baseline's (or that of the model filtered for, or of
// one with a hit) and the most different.
const defaultShown = (entry, state, hits) => {
  const asked = index.models.map((_, m) => m).filter((m) => outcomes(entry, m).length > 0);
  if (asked.length <= 2) return asked;
  const hit = (hits ?? []).map((name) => modelNumber.get(name));
  const wished = state.model.map((name) => modelNumber.get(name)).filter((m) => asked.includes(m));
  const first = [...wished, ...hit, ...(index.baseline === null ? [] : [index.baseline]), ...asked].find((m) => asked.includes(m));
  const distance = (m) => Math.abs((score(entry, m) ?? 0.5) - (score(entry, first) ?? 0.5)) + (verdict(entry, m) === verdict(entry, first) ? 0 : 0.1);
  const others = asked.filter((m) => m !== first);
  const second = wished.length > 1 ? wished[1] : hit.length > 1 ? hit.find((m) => m !== first) : others.reduce((far, m) => distance(m) > distance(far) ? m : far);
  return [first, second];
};

const scoresTable = (answer) => make("details", {}, make("summary", {}, count(answer.scores.length, "scores")),
  make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": say("all-scores") }, make("table", {},
    make("thead", {}, make("tr", {}, ...["metric", "value", "label", "labelled-by", "explanation"].map((key) => make("th", { scope: "col" }, say(key))))),
    make("tbody", {}, ...answer.scores.map((s) => make("tr", {},
      make("th", { scope: "row" }, s.scorer + " · " + s.metric),
      make("td", {}, s.value === null ? "–" : String(Number(s.value.toFixed(4)))),
      make("td", {}, s.label ?? ""),
      make("td", {}, (s.by ?? "") + (typeof s.sure === "number" ? " (" + say("sure", { n: Math.round(s.sure * 100) }) + ")" : "")),
      appendText(make("td", { class: "why", dir: "auto" }), s.why ?? "")))))));

const citation = (entry, answer) => say("cite-text", {
  run: index.runs.map((hash) => hash.slice(0, 16)).join("+"), question: entry.name, model: answer.model, epoch: (answer.epoch ?? 0) + 1, trial: answer.key, address: location.href,
});

const copy = async (text, status) => {
  try { await navigator.clipboard.writeText(text); status.textContent = say("copied", { text }); } catch { status.textContent = text; }
};

const body = (answer, state, parts, tag) => {
  if (!answer.answer) return appendText(make("p", { class: "muted", dir: "auto" }), answer.error || say("no-text"));
  if (parts) return appendParts(make("div", { class: "plain", dir: "auto" }), parts, tag);
  return state.raw ? appendText(make("div", { class: "plain", dir: "auto" }), answer.answer) : markdown(answer.answer);
};

const answerBox = (entry, answer, state, parts, tag) => {
  const m = modelNumber.get(answer.model);
  const outcome = outcomes(entry, m)[answer.epoch ?? 0] ?? outcomes(entry, m)[0];
  const facts = [answer.finish && say("finish", { how: answer.finish }), answer.completion_tokens > 0 && count(answer.completion_tokens, "tokens"),
    answer.seconds > 0 && answer.seconds.toFixed(2) + " s", answer.cost > 0 && "$" + answer.cost.toFixed(5)].filter(Boolean);
  const status = make("output", { class: "note" });
  return make("article", { class: "answer" },
    make("h4", {}, answer.model + (answer.epoch > 0 ? " · " + say("epoch", { n: answer.epoch + 1 }) : "")),
    make("p", { class: "badges" }, badge(outcome.verdict, outcome.label), m === index.baseline && make("span", { class: "badge" }, say("baseline")),
      changed(entry, m) && make("span", { class: "badge" }, say("changed")), outcome.truncated && make("span", { class: "badge warning" }, say("truncated")), outcome.cached && make("span", { class: "badge" }, say("cached"))),
    answer.reasoning && make("details", {}, make("summary", {}, say("reasoning")), appendText(make("div", { class: "plain reasoning", dir: "auto" }), answer.reasoning)),
    make("div", { class: "text" }, body(answer, state, parts, tag)),
    answer.signals && appendText(make("p", { class: "note", dir: "auto" }, say("signals") + " "), answer.signals),
    answer.scores.length > 0 && scoresTable(answer),
    make("p", { class: "note" }, facts.join(" · ")),
    make("p", { class: "note" }, make("code", { title: say("trial-key") }, answer.key.slice(0, 12)), " ", button(say("cite"), () => copy(citation(entry, answer), status), { class: "small" }), " ", status));
};

// A question's text, its target, and its whole prompt where there is more.
const questionBox = (entry, sample) => make("div", { class: "asked" },
  appendText(make("div", { class: "prompt plain", dir: "auto" }), sample.question ?? sample.prompt),
  sample.target && make("p", { class: "target", dir: "auto" }, make("strong", {}, say("target") + " "), appendText(make("span", {}), sample.target)),
  sample.question && make("details", {}, make("summary", {}, say("whole-prompt")), appendText(make("div", { class: "plain prompt", dir: "auto" }), sample.prompt)));

// Two texts compared, where two answers to one question are shown.
const compared = (answers, state) => {
  if (!state.diff || answers.length < 2) return null;
  const [first, ...others] = answers.map((a) => a.answer ?? "");
  const diffs = others.map((text) => difference(first, text));
  return diffs.some((d) => d === null) ? "too-different" : [{ parts: diffs[0].before, tag: "del" }, ...diffs.map((d) => ({ parts: d.after, tag: "ins" }))];
};

const chips = (entry, shown, hits, go) => {
  const asked = index.models.map((_, m) => m).filter((m) => outcomes(entry, m).length > 0);
  const order = (m) => VERDICTS.indexOf(verdict(entry, m));
  const toggle = (m) => {
    const next = shown.includes(m) ? shown.filter((other) => other !== m) : [...shown, m].slice(-MOST_SHOWN);
    if (next.length > 0) go({ show: next.map((n) => index.models[n]) });
  };
  const chip = (m) => button(make("span", { class: "verdict " + verdict(entry, m) }, make("span", { "aria-hidden": "true" }, MARKS[verdict(entry, m)] + " "), make("span", { class: "hidden" }, say(verdict(entry, m)) + ": "), index.models[m]),
    () => toggle(m), { class: "chip" + ((hits ?? []).includes(index.models[m]) ? " hit" : ""), "aria-pressed": String(shown.includes(m)) });
  return make("details", { class: "models", open: asked.length <= 12 || undefined }, make("summary", {}, say("models-shown", { shown: shown.length, asked: asked.length })),
    make("div", { class: "chips", role: "group", "aria-label": say("choose-models", { most: MOST_SHOWN }) }, ...asked.toSorted((a, b) => order(a) - order(b)).map(chip)));
};

const pairLinks = (entry, all, beside, go) => {
  if (all.length === 0) return null;
  const name = (partner) => partner.r ? say("role-" + partner.r) : Object.values(partner.t ?? {}).join(" · ") || partner.name;
  return make("p", { class: "pair-links" }, make("strong", {}, say(entry.r ? "its-" + (entry.r === "sensitive" ? "control" : "sensitive") : "same-question") + " "),
    ...all.slice(0, 8).flatMap((partner) => [button(name(partner) + (all.length > 1 || !partner.r ? " · " + partner.i : ""), () => go({ beside: beside === partner ? "none" : partner.name }), { class: "small", "aria-pressed": String(beside === partner) }), " "]));
};

const partnerShown = (entry, all, state) => {
  if (state.beside === "none") return null;
  return all.find((partner) => partner.name === state.beside) ?? (entry.r ? all[0] : undefined) ?? null;
};

// Fills the article with an opened question; `go` changes the address, `isWanted` says whether it is still wanted.
const read = async ({ entry, sample, partners, hits }, state, go, isWanted) => {
  const beside = partnerShown(entry, partners, state);
  const other = beside && (await source.open(beside.name, state)).sample;
  if (!isWanted()) return [];
  const wished = state.show.map((name) => modelNumber.get(name)).filter((m) => outcomes(entry, m).length > 0);
  const shown = wished.length > 0 ? wished.slice(0, MOST_SHOWN) : defaultShown(entry, state, hits);
  const of = (from, m) => from.answers.filter((a) => a.model === index.models[m]);
  const firsts = shown.map((m) => of(sample, m)[0]);
  const diff = beside ? null : compared(firsts, state);
  const parts = (at) => Array.isArray(diff) ? diff[at] : undefined;
  const epochs = (of_, from, state_, part) => from.map((a, e) => answerBox(of_, a, state_, e === 0 ? part?.parts : undefined, part?.tag));
  const toggle = (name) => button(say(name), () => go({ [name]: state[name] ? "" : "1" }), { class: "small", "aria-pressed": String(Boolean(state[name])) });
  const status = make("output", { class: "note" });
  const side = (of_, from) => make("div", { class: "side" }, make("p", { class: "note" }, make("strong", {}, of_.r ? say("role-" + of_.r) : Object.values(of_.t ?? {}).join(" · ")), " ", of_.name), questionBox(of_, from));
  const grid = make("div", { class: "answers" });
  grid.style.setProperty("--columns", beside ? 2 : shown.length);
  if (beside) {
    grid.append(side(entry, sample), side(beside, other));
    for (const m of shown) grid.append(make("div", {}, ...epochs(entry, of(sample, m), state)), make("div", {}, ...epochs(beside, of(other, m), state)));
  } else shown.forEach((m, at) => grid.append(make("div", {}, ...epochs(entry, of(sample, m), state, parts(at)))));
  const strata = Object.entries(sample.strata).map(([name, value]) => name + ": " + value).join(" · ");
  const { current, all } = list.place();
  $("sample").replaceChildren(
    make("div", { class: "reader-head" },
      make("h3", { dir: "auto" }, entry.name),
      make("p", { class: "steps" }, button("‹", () => list.step(-1), { "aria-label": say("previous") }), make("span", { class: "note" }, current < 0 ? say("not-in-list") : number.format(current + 1) + " / " + number.format(all)), button("›", () => list.step(1), { "aria-label": say("next") }))),
    make("p", { class: "note", dir: "auto" }, [strata, sample.pair && say("pair", { name: sample.pair })].filter(Boolean).join(" · ")),
    make("p", { class: "tools" }, toggle("raw"), " ", !beside && shown.length > 1 && toggle("diff"), " ", button(say("copy-link"), () => copy(location.href, status), { class: "small" }), " ", status),
    pairLinks(entry, partners, beside, go) ?? "",
    beside ? "" : questionBox(entry, sample),
    chips(entry, shown, hits, go),
    diff === "too-different" ? make("p", { class: "note" }, say("too-different")) : "",
    grid);
  return highlight($("sample"), state.search.trim().toLowerCase());
};
