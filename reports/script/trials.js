// The questions of a page that has them all, in itself or in the files beside it: found, sorted, and opened.
if (index.files !== undefined) {
  try { Object.assign(index, await unpacked(await readFile("index"))); } catch (error) { $("count").textContent = error.message; throw error; }
}
const modelNumber = numbered(index.models), suiteNumber = numbered(index.suites);

index.samples.reduce((places, entry) => {
  entry.k = places[entry.c] = (places[entry.c] ?? -1) + 1;
  entry.name = index.suites[entry.s] + "/" + entry.i;
  resolved(entry, index.outcomes);
  return places;
}, []);
const byName = new Map(index.samples.map((entry) => [entry.name, entry]));
const byPair = grouped(index.samples.filter((entry) => entry.p), (entry) => entry.p);

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

const source = (() => {
  const tallied = (names) => [...grouped(names, (name) => name)].map(([name, all]) => [name, all.length]);
  const every = index.samples.flatMap((entry) => entry.v.flat());
  let hits = new Map();
  const found = (rows) => {
    const places = new Map(rows.map((row, i) => [row.entry.name, i]));
    return {
      length: rows.length,
      trials: rows.reduce((n, row) => n + row.models.reduce((own, m) => own + outcomes(row.entry, m).length, 0), 0),
      at: (i) => rows[i],
      load: async () => {},
      place: async (name) => places.get(name) ?? -1,
    };
  };
  return {
    all: () => index.samples.length,
    facets: {
      groups: tallied(index.samples.flatMap((e) => Object.entries(e.t ?? {}).map(([name, value]) => name + ": " + value))),
      verdicts: tallied(every.map((o) => o.verdict)),
      labels: tallied(every.map((o) => o.label).filter(Boolean)),
    },
    // The questions that an address asks for; none where another was asked for meanwhile.
    find: async (state, isWanted) => {
      const wanted = state.search.trim().toLowerCase();
      let rows = matching(state);
      hits = new Map();
      if (wanted) {
        const places = await store.search(wanted, isWanted);
        if (!isWanted()) return null;
        for (const hit of places) hits.set(hit.c + "/" + hit.k, hit.models);
        rows = rows.filter(({ entry }) => hits.has(entry.c + "/" + entry.k));
      }
      return found(SORTS[state.sort]?.(rows) ?? rows);
    },
    // A question by its name, with all its answers and the others of its pair; none where there is none.
    open: async (name) => {
      const entry = byName.get(name);
      return entry && { entry, sample: await store.open(entry), partners: partners(entry), hits: hits.get(entry.c + "/" + entry.k) };
    },
  };
})();
