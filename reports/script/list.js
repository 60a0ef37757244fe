// The list of questions: only the rows in sight exist, so that a hundred thousand scroll as well as ten.
const ROW_HEIGHT = 92;
// Browsers end an element at some thirty million pixels, so a longer list than this moves faster than it is scrolled.
const MOST_PIXELS = 6_000_000;
const MOST_NAMED = 3;

// What became of a question, in marks and words: by model where few are listed, else how many of each.
const tally = (row) => {
  const line = make("span", { class: "tally" });
  const part = (kind, text) => line.append(make("span", { class: "verdict " + kind }, make("span", { "aria-hidden": "true" }, MARKS[kind] + " "), text));
  if (row.models.length <= MOST_NAMED) {
    for (const m of row.models) part(verdict(row.entry, m), say(verdict(row.entry, m)) + (row.models.length > 1 ? " · " + index.models[m] : ""));
  } else {
    const counts = grouped(row.models, (m) => verdict(row.entry, m));
    for (const kind of VERDICTS) if (counts.has(kind)) part(kind, number.format(counts.get(kind).length) + " " + say(kind));
  }
  return line;
};

const list = (() => {
  const box = $("samples"), inner = make("div", { role: "presentation" });
  box.append(inner);
  let rows = { length: 0, at: () => undefined, load: async () => {} }, current = -1, aimed = null, choose = () => {};

  const pace = () => {
    const all = rows.length * ROW_HEIGHT;
    return all <= MOST_PIXELS ? 1 : (all - box.clientHeight) / (MOST_PIXELS - box.clientHeight);
  };
  // Pixels of the list above what is seen.
  const above = () => box.scrollTop * pace();

  const option = (i, shift) => {
    const found = rows.at(i);
    const row = make("div", { role: "option", id: "row-" + i, class: "row", "aria-selected": String(i === current), "aria-posinset": i + 1, "aria-setsize": rows.length, on: { click: () => choose(i, true) } });
    if (found) {
      const { entry } = found;
      row.append(make("span", { class: "question", dir: "auto" }, entry.q), tally(found), make("small", { dir: "auto" }, entry.name + (entry.r ? " · " + say("role-" + entry.r) : "")));
    } else row.append(make("span", { class: "question muted" }, "…"));
    row.style.top = i * ROW_HEIGHT - shift + "px";
    return row;
  };
  const draw = () => {
    const shift = above() - box.scrollTop;
    const first = Math.max(0, Math.floor(above() / ROW_HEIGHT) - 4);
    const last = Math.min(rows.length, first + Math.ceil(box.clientHeight / ROW_HEIGHT) + 8);
    inner.replaceChildren(...Array.from({ length: last - first }, (_, i) => option(first + i, shift)));
    if (current >= first && current < last) box.setAttribute("aria-activedescendant", "row-" + current); else box.removeAttribute("aria-activedescendant");
    const drawn = rows;
    const missing = Array.from({ length: last - first }, (_, i) => first + i).some((i) => !rows.at(i));
    if (missing) rows.load(first, last - 1).then(() => { if (drawn === rows) draw(); }, () => {});
  };
  let drawing = false;
  box.addEventListener("scroll", () => { if (!drawing) { drawing = true; requestAnimationFrame(() => { drawing = false; draw(); }); } });
  new ResizeObserver(draw).observe(box);

  return {
    // Shows what was found, with the row of a number chosen.
    show: (found, place, stay = false) => {
      if (aimed === place || found.length !== rows.length) aimed = null;
      rows = found;
      current = place;
      inner.style.height = Math.min(rows.length * ROW_HEIGHT, MOST_PIXELS) + "px";
      box.hidden = rows.length === 0;
      const top = current * ROW_HEIGHT;
      if (stay) { /* where the reader is */ }
      else if (current < 0) box.scrollTop = 0;
      else if (top < above() || top + ROW_HEIGHT > above() + box.clientHeight) box.scrollTop = Math.max(0, top - box.clientHeight / 3) / pace();
      draw();
    },
    // Calls `listener` with a question's name, and whether it was chosen with a pointer.
    onChoose: (listener) => { choose = async (i, pointed) => { await rows.load(i, i); if (rows.at(i)) listener(rows.at(i).entry.name, pointed); }; },
    // From where the last step leads, which may not be shown yet: a key held down steps as often as it repeats.
    step: (by) => {
      if (rows.length === 0) return;
      aimed = Math.max(0, Math.min(rows.length - 1, (aimed ?? current) + by));
      choose(aimed, false);
    },
    to: (i) => { if (rows.length > 0) choose(i < 0 ? rows.length - 1 : i, false); },
    place: () => ({ current, all: rows.length }),
    perPage: () => Math.max(1, Math.floor(box.clientHeight / ROW_HEIGHT) - 1),
  };
})();
