// The index: every question, and what became of each of its trials.
const index = JSON.parse($("index").textContent);
const MARKS = { right: "✔", wrong: "✘", scored: "◆", answered: "●", partly: "◐", withheld: "○", blocked: "■", unable: "∅", unscored: "?", failed: "!" };
const VERDICTS = Object.keys(MARKS);
const modelNumber = new Map(index.models.map((name, m) => [name, m]));
const suiteNumber = new Map(index.suites.map((name, s) => [name, s]));

index.samples.reduce((places, entry) => {
  entry.k = places[entry.c] = (places[entry.c] ?? -1) + 1;
  entry.name = index.suites[entry.s] + "/" + entry.i;
  return places;
}, []);
const byName = new Map(index.samples.map((entry) => [entry.name, entry]));
const grouped = (list, key) => list.reduce((groups, item) => {
  const group = groups.get(key(item));
  if (group) group.push(item); else groups.set(key(item), [item]);
  return groups;
}, new Map());
const byPair = grouped(index.samples.filter((entry) => entry.p), (entry) => entry.p);

// What became of a model's trials of a question: none, or one for each epoch.
const outcomes = (entry, m) => {
  const numbers = entry.v[m];
  return numbers === null || numbers === undefined ? [] : [].concat(numbers).map((n) => index.outcomes[n]);
};
const hasScore = (entry, m) => outcomes(entry, m).some((o) => o.value !== undefined);
const score = (entry, m) => {
  const values = outcomes(entry, m).map((o) => o.value).filter((v) => v !== undefined);
  return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
};
const verdict = (entry, m) => outcomes(entry, m)[0]?.verdict;
const changed = (entry, m) => index.baseline !== null && m !== index.baseline && verdict(entry, index.baseline) !== undefined
  && verdict(entry, m) !== verdict(entry, index.baseline);

// The other questions of its pair: for a sensitive question its controls, for a control the sensitive ones, else the same in other groups.
const partners = (entry) => (entry.p ? byPair.get(entry.p) : []).filter((e) => e !== entry && (entry.r ? e.r && e.r !== entry.r : true));

// How far apart models are on a question.
const spread = (entry) => {
  const scores = index.models.map((_, m) => score(entry, m)).filter((s) => s !== null);
  return scores.length < 2 ? -1 : Math.max(...scores) - Math.min(...scores);
};
const meanScore = (entry) => {
  const scores = index.models.map((_, m) => score(entry, m)).filter((s) => s !== null);
  return scores.length === 0 ? null : scores.reduce((a, b) => a + b) / scores.length;
};

// Trials of complete pairs: of a sensitive question and its control, or of one question in two values of a stratum.
const inPairs = (rows, stratum) => {
  const side = (entry) => stratum === "role" ? entry.r : entry.t?.[stratum];
  const others = (entry) => stratum === "role" ? [] : Object.entries(entry.t ?? {}).filter(([name]) => name !== stratum).map(([name, value]) => name + ":" + value).sort();
  const key = (entry, m) => JSON.stringify([entry.p, m, ...others(entry)]);
  const pairs = new Map();
  for (const { entry, models } of rows) for (const m of models) {
    if (!entry.p || !side(entry)) continue;
    const pair = pairs.get(key(entry, m)) ?? { sides: new Set(), complete: true };
    pair.sides.add(side(entry));
    pair.complete &&= hasScore(entry, m);
    pairs.set(key(entry, m), pair);
  }
  const complete = (entry, m) => { const pair = pairs.get(key(entry, m)); return pair && pair.complete && pair.sides.size > 1 && side(entry); };
  return rows.map(({ entry, models }) => ({ entry, models: models.filter((m) => complete(entry, m)) })).filter((row) => row.models.length > 0);
};

// The questions that hold every condition, each with the models whose trials do.
const matching = (state) => {
  const suites = new Set(state.suite.map((name) => suiteNumber.get(name)));
  const groups = [...grouped(state.group, (group) => group.split(": ")[0])];
  const models = state.model.length > 0 ? state.model.map((name) => modelNumber.get(name)).filter((m) => m !== undefined) : index.models.map((_, m) => m);
  const [verdicts, labels] = [new Set(state.verdict), new Set(state.label)];
  const other = state.with ? modelNumber.get(state.with) : null;
  const holds = (o) => (verdicts.size === 0 || verdicts.has(o.verdict) || (verdicts.has("has-score") && o.value !== undefined))
    && (labels.size === 0 || labels.has(o.label)) && state.mark.every((mark) => o[mark]);
  const rows = [];
  for (const entry of index.samples) {
    if (suites.size > 0 && !suites.has(entry.s)) continue;
    if (!groups.every(([name, values]) => values.includes(name + ": " + entry.t?.[name]))) continue;
    if (verdicts.has("differs") && new Set(index.models.map((_, m) => verdict(entry, m)).filter(Boolean)).size < 2) continue;
    if (other !== null && !hasScore(entry, other)) continue;
    const own = models.filter((m) => (verdicts.has("differs") ? outcomes(entry, m).length > 0 : outcomes(entry, m).some(holds))
      && (!state.changed || changed(entry, m)) && (other === null || hasScore(entry, m)));
    if (own.length > 0) rows.push({ entry, models: own });
  }
  return state.paired ? inPairs(rows, state.paired) : rows;
};

const SORTS = {
  spread: (rows) => { const by = new Map(rows.map((r) => [r, spread(r.entry)])); return rows.toSorted((a, b) => by.get(b) - by.get(a)); },
  lowest: (rows) => { const by = new Map(rows.map((r) => [r, meanScore(r.entry) ?? 2])); return rows.toSorted((a, b) => by.get(a) - by.get(b)); },
  highest: (rows) => { const by = new Map(rows.map((r) => [r, meanScore(r.entry) ?? -1])); return rows.toSorted((a, b) => by.get(b) - by.get(a)); },
};
