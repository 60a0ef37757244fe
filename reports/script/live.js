// Runs that are served: how far they are, what they have come to, and their report once it has been computed.
const live = (() => {
  let version = -1, sections = null, offered = 0;

  const runLine = (run) => make("li", {}, make("strong", { dir: "auto" }, run.name), " · ", say("run-" + run.status), " · ", run.created);
  const money = (state) => {
    const budget = state.runs.reduce((sum, run) => sum + (run.budget ?? 0), 0);
    if (state.spent === 0 && budget === 0) return null;
    const spent = "$" + state.spent.toFixed(2);
    return make("p", {}, budget > 0 ? say("spent-of", { spent, budget: "$" + budget.toFixed(2) }) : say("spent", { spent }));
  };
  const done = (state) => {
    const known = state.runs.every((run) => run.planned !== null), planned = state.runs.reduce((sum, run) => sum + (run.planned ?? 0), 0);
    const words = known ? say("done-of", { n: number.format(state.trials), all: number.format(planned) }) : count(state.trials, "trials");
    return make("p", { class: "done" }, known && make("progress", { max: planned, value: Math.min(state.trials, planned), "aria-label": words }), " ", words);
  };
  const link = (text, change) => make("a", { href: address({ ...parse(""), ...change }), dir: "auto" }, text);
  const percent = (share) => (100 * share).toFixed(1);
  const soFar = (rows) => make("div", { class: "scroll tall", tabindex: "0", role: "group", "aria-label": say("so-far") }, make("table", {},
    make("thead", {}, make("tr", {}, ...["model", "suite", "score-so-far", "trials-head", "nav.failures"].map((key) => make("th", { scope: "col" }, say(key))))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row", dir: "auto" }, row.model), make("td", { dir: "auto" }, row.suite),
      make("td", {}, row.mean === null ? "–" : make("b", {}, link(percent(row.mean), { suite: [row.suite], model: [row.model], verdict: ["has-score"] })), row.mean === null ? "" : make("span", { class: "interval" }, " [" + percent(row.low) + ", " + percent(row.high) + "] n = " + number.format(row.n))),
      make("td", {}, link(number.format(row.trials), { suite: [row.suite], model: [row.model] })),
      make("td", {}, row.failed === 0 ? "0" : link(number.format(row.failed), { suite: [row.suite], model: [row.model], verdict: ["failed"] })))))));
  const newest = (rows) => make("ol", { class: "newest" }, ...rows.map((row) => make("li", {}, make("span", { class: "verdict " + row.verdict }, make("span", { "aria-hidden": "true" }, MARKS[row.verdict] + " "), say(row.verdict)), " · ",
    make("span", { dir: "auto" }, row.model), " · ", link(row.excerpt || row.question, { q: row.question, show: [row.model], sort: "newest" }))));

  const draw = (state) => {
    const over = state.sections === "ready" && sections !== null && !state.runs.some((run) => run.status === "running");
    $("live").hidden = over && state.trouble === null;
    // Whoever is on a link here is left there.
    if ($("live-body").contains(document.activeElement)) return;
    $("live-body").replaceChildren(...[
      state.trouble && make("p", { class: "warning", role: "alert" }, state.trouble),
      make("ul", { class: "runs" }, ...state.runs.map(runLine)),
      done(state), money(state),
      state.reading ? make("p", { class: "note" }, say("reading")) : state.sections === "waiting" && !state.runs.some((run) => run.status === "running") && make("p", { class: "note" }, say("computing")),
      ...(over ? [] : [make("h3", {}, say("so-far")), soFar(state.so_far), make("p", { class: "note" }, say("so-far-note")), make("h3", {}, say("newest")), newest(state.newest)]),
    ].filter(Boolean));
  };

  // The report's sections come from the server's own templates, in which every foreign text is escaped.
  const insert = async (of) => {
    const first = sections === null, made = await asked("sections");
    if (made === null) return;
    document.querySelectorAll("main > section.computed").forEach((section) => section.remove());
    $("headlines").replaceChildren(...made.headlines.map((sentence) => make("li", {}, sentence)));
    $("headlines").hidden = made.headlines.length === 0;
    const more = $("more-headlines"), [summary, folded] = more.children;
    more.hidden = made.more.length === 0;
    summary.textContent = say("more-findings", { n: number.format(made.more.length) });
    folded.replaceChildren(...made.more.map((sentence) => make("li", {}, sentence)));
    $("nav").replaceChildren(...made.sections.map(([id, title]) => make("a", { href: "#" + id }, title)), make("a", { href: "#transcripts" }, say("section.transcripts")));
    const holder = make("template");
    holder.innerHTML = made.html;
    for (const section of [...holder.content.children]) {
      section.classList.add("computed");
      $("main").insertBefore(section, $("transcripts"));
      equip(section);
    }
    sections = of;
    watch();
    if (!first) return;
    const wanted = location.hash && !isTranscripts(location.hash) ? document.getElementById(location.hash.slice(1)) : null;
    if (wanted) wanted.scrollIntoView();
    else if (inReader() || isTranscripts(location.hash) && location.hash !== "#transcripts") $("transcripts").scrollIntoView();
  };

  const look = async () => {
    let wait = 5000;
    try {
      const state = await asked("state");
      index.runs = state.hashes;
      if (state.version !== version) {
        version = state.version;
        if (Date.now() - offered > 4000 || !state.reading) {
          offered = Date.now();
          const head = await asked("head");
          [index.suites, index.models, source.facets] = [head.suites, head.models, head.facets];
          modelNumber = numbered(index.models);
          offer();
        }
        await follow(true);
      }
      if (state.sections === "ready" && sections !== state.sections_version) await insert(state.sections_version);
      draw(state);
      if (state.runs.some((run) => run.status === "running") || state.reading || state.sections === "waiting") wait = 1000;
    } catch (error) {
      $("live").hidden = false;
      $("live-body").replaceChildren(make("p", { class: "warning", role: "alert" }, say("unreachable", { reason: error.message })));
    }
    setTimeout(look, wait);
  };
  look();
  return { look };
})();
