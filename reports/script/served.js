// The questions of runs that `candor view` serves: lists come a page at a time, as far as they are looked at.
const index = JSON.parse($("index").textContent);
let modelNumber = numbered(index.models);

const asked = async (path, parameters = "") => {
  const answer = await fetch(path + (parameters ? "?" + parameters : ""), { cache: "no-store" });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.status === 204 ? null : answer.json();
};

const source = (() => {
  const PAGE = 60;
  const parameters = (state, more) => address({ ...state, show: [], q: "", beside: "", ...more }).split("?")[1] ?? "";
  const entryOf = (entry, list) => resolved(entry, list);
  const page = async (state, first) => {
    const own = parameters(state);
    const answer = await asked("find", own + (own ? "&" : "") + "first=" + first + "&most=" + PAGE);
    answer.rows.forEach((row) => entryOf(row.entry, answer.outcomes));
    return answer;
  };
  let all = 0;
  return {
    all: () => all,
    facets: index.facets,
    find: async (state, isWanted) => {
      const beginning = await page(state, 0);
      if (!isWanted()) return null;
      all = beginning.all;
      const rows = new Map(beginning.rows.map((row, i) => [i, row])), pages = new Map([[0, Promise.resolve()]]);
      const load = (first) => {
        const at = Math.floor(first / PAGE) * PAGE;
        if (!pages.has(at)) pages.set(at, page(state, at).then((answer) => answer.rows.forEach((row, i) => rows.set(at + i, row))));
        return pages.get(at);
      };
      return {
        length: beginning.length,
        trials: beginning.trials,
        at: (i) => rows.get(i),
        load: (first, last) => Promise.all(Array.from({ length: Math.max(0, Math.floor(last / PAGE) - Math.floor(first / PAGE) + 1) }, (_, i) => load((Math.floor(first / PAGE) + i) * PAGE))),
        place: async (name) => {
          for (const [i, row] of rows) if (row.entry.name === name) return i;
          return (await asked("place", parameters(state) + "&q=" + encodeURIComponent(name))).place;
        },
      };
    },
    open: async (name, state) => {
      const answer = await asked("question", "q=" + encodeURIComponent(name) + "&search=" + encodeURIComponent(state.search));
      if (answer === null) return undefined;
      return { entry: entryOf(answer.entry, answer.outcomes), sample: answer.sample, partners: answer.partners.map((entry) => entryOf(entry, answer.outcomes)), hits: answer.hits };
    },
  };
})();
