// Lists the questions, opens the chunk a question lies in, and shows every answer side by side. All text from models goes
// through textContent: nothing in it can become markup.
"use strict";
(() => {
  const index = JSON.parse(document.getElementById("index").textContent);
  const chunks = Array.from(document.querySelectorAll("script.chunk"));
  const opened = new Map();
  const $ = (id) => document.getElementById(id);
  const STEP = 200;
  let matching = [], shown = 0, current = null;

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    // What others wrote runs in its own direction, and does not turn that of its neighbours.
    if (["prompt", "answer", "answer long", "reasoning"].includes(className)) element.dir = "auto";
    return element;
  };

  const open = (number) => {
    if (!opened.has(number)) {
      opened.set(number, (async () => {
        const bytes = Uint8Array.from(atob(chunks[number].textContent), (c) => c.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
        return JSON.parse(await new Response(stream).text());
      })());
    }
    return opened.get(number);
  };
  const find = async (entry) => {
    const samples = await open(entry.c);
    return samples.find((s) => s.id === entry.i && s.suite === index.suites[entry.s]);
  };

  const fill = (select, values) => values.forEach((value, i) => {
    const option = make("option", value);
    option.value = String(i);
    select.append(option);
  });
  fill($("filter-suite"), index.suites);
  fill($("filter-model"), index.models);
  const groups = [...new Set(index.samples.flatMap((s) => Object.entries(s.t || {}).map(([k, v]) => k + ": " + v)))].sort();
  fill($("filter-stratum"), groups);

  const kind = (verdict) => {
    if (typeof verdict === "number") return verdict >= 1 ? "high" : verdict <= 0 ? "low" : "part";
    return verdict === "blocked_upstream" ? "blocked" : "none";
  };

  const passes = (entry) => {
    const suite = $("filter-suite").value, model = $("filter-model").value, group = $("filter-stratum").value, verdict = $("filter-verdict").value;
    if (suite !== "" && entry.s !== Number(suite)) return false;
    if (group !== "") {
      const [name, value] = groups[Number(group)].split(/: (.*)/s);
      if (!entry.t || entry.t[name] !== value) return false;
    }
    const verdicts = (model === "" ? entry.v : [entry.v[Number(model)]]).filter((v) => v !== null).map(kind);
    if (model !== "" && verdicts.length === 0) return false;
    if (verdict === "differs") return new Set(entry.v.filter((v) => v !== null).map(kind)).size > 1;
    if (verdict === "none") return verdicts.some((k) => k === "none" || k === "blocked");
    return verdict === "" || verdicts.includes(verdict);
  };

  const words = (text) => text.trim().toLowerCase();
  let search = 0;
  const apply = async () => {
    const mine = ++search;
    const wanted = words($("filter-text").value);
    let found = index.samples.filter(passes);
    if (wanted.length > 0) {
      const inAnswers = [];
      for (const entry of found) {
        const sample = await find(entry);
        if (mine !== search) return;
        const all = [entry.i, sample.prompt, ...sample.answers.map((a) => a.answer || "")].join("\n").toLowerCase();
        if (all.includes(wanted)) inAnswers.push(entry);
      }
      found = inAnswers;
    }
    matching = found;
    shown = 0;
    $("samples").replaceChildren();
    more();
    const left = index.left_out > 0 ? " " + index.left_out.toLocaleString("en") + " trials are too many for one page and are left out here." : "";
    $("count").textContent = matching.length.toLocaleString("en") + " of " + index.samples.length.toLocaleString("en") + " questions." + left;
  };

  const more = () => {
    for (const entry of matching.slice(shown, shown + STEP)) {
      const item = make("li"), button = make("button");
      button.type = "button";
      const question = make("span", entry.q);
      question.dir = "auto";
      button.append(make("small", index.suites[entry.s] + " · " + entry.i), question);
      const dots = make("small", null, "dots");
      entry.v.forEach((verdict, m) => {
        if (verdict === null) return;
        const dot = make("span", null, "dot " + kind(verdict));
        dot.title = index.models[m] + ": " + verdict;
        dots.append(dot);
      });
      button.append(dots);
      button.addEventListener("click", () => show(entry, button));
      item.append(button);
      $("samples").append(item);
    }
    shown = Math.min(matching.length, shown + STEP);
    $("more").hidden = shown >= matching.length;
  };

  // Marks the searched words without ever parsing the text as markup.
  const marked = (text, className) => {
    const element = make("p", null, className);
    const wanted = words($("filter-text").value);
    const lower = (text || "").toLowerCase();
    let at = 0;
    while (wanted && lower.length === (text || "").length) {
      const next = lower.indexOf(wanted, at);
      if (next < 0) break;
      element.append(text.slice(at, next), make("mark", text.slice(next, next + wanted.length)));
      at = next + wanted.length;
    }
    element.append((text || "").slice(at));
    return element;
  };

  const answer = (a) => {
    const box = make("article");
    const title = make("h4", a.model + (a.epoch > 0 ? " · repeat " + (a.epoch + 1) : ""));
    if (a.status !== "ok") title.append(" ", make("span", a.status.replace("_", " "), "badge warning"));
    box.append(title);
    if (a.reasoning) {
      const details = make("details");
      details.append(make("summary", "Reasoning"), make("p", a.reasoning, "reasoning"));
      box.append(details);
    }
    const long = (a.answer || "").length > 1500;
    box.append(a.answer ? marked(a.answer, long ? "answer long" : "answer") : make("p", a.error || "(no answer text)", "muted"));
    for (const s of a.scores) {
      const figure = s.value === null || s.value === undefined ? "" : " " + Number(s.value.toFixed(4));
      const who = (s.by ? " by " + s.by : "") + (typeof s.sure === "number" ? ", " + Math.round(s.sure * 100) + " % sure" : "");
      box.append(make("small", s.scorer + " · " + s.metric + ":" + figure + (s.label ? " (" + s.label + ")" : "") + who, "muted"));
      if (s.why) {
        const details = make("details");
        details.append(make("summary", "why"), make("p", s.why, "reasoning"));
        box.append(details);
      }
    }
    if (a.signals) box.append(make("p", "Provider signals: " + a.signals, "reasoning"));
    const facts = [a.finish && "finish " + a.finish, a.completion_tokens > 0 && a.completion_tokens + " tokens", a.seconds > 0 && a.seconds.toFixed(2) + " s", a.cost > 0 && "$" + a.cost.toFixed(5)].filter(Boolean);
    box.append(make("p", facts.join(" · "), "note"));
    return box;
  };

  const show = async (entry, button) => {
    const sample = await find(entry);
    if (current) current.removeAttribute("aria-current");
    if (button) button.setAttribute("aria-current", "true");
    current = button;
    const place = $("sample");
    const strata = Object.entries(sample.strata || {}).map(([k, v]) => k + ": " + v).join(" · ");
    const head = make("h3", sample.suite + " · " + sample.id);
    place.replaceChildren(head, make("p", [strata, sample.role, sample.pair && "pair " + sample.pair].filter(Boolean).join(" · "), "note"), make("p", sample.prompt, "prompt"));
    if (sample.target) place.append(make("p", "Right: " + sample.target, "note"));
    const model = $("filter-model").value;
    const answers = make("div", null, "answers");
    sample.answers.filter((a) => model === "" || a.model === index.models[Number(model)]).forEach((a) => answers.append(answer(a)));
    place.append(answers);
    place.focus({ preventScroll: true });
  };

  // A figure leads to the answers under it.
  document.querySelectorAll("a[data-model]").forEach((link) => link.addEventListener("click", () => {
    $("filter-suite").value = String(index.suites.indexOf(link.dataset.suite));
    $("filter-model").value = String(index.models.indexOf(link.dataset.model));
    $("filter-stratum").value = $("filter-verdict").value = $("filter-text").value = "";
    apply().then(() => { if (matching.length > 0) show(matching[0], $("samples").querySelector("button")); });
  }));

  let timer;
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  // Not for the search field: leaving it by a click on a question must not list the questions anew under the pointer.
  $("filters").addEventListener("change", (event) => { if (event.target.tagName === "SELECT") apply(); });
  $("filter-text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 200); });
  $("more").addEventListener("click", more);
  apply().then(() => { if (matching.length > 0) show(matching[0], $("samples").querySelector("button")); });
})();
