// What one text has that another has not, word by word (Myers, 1986); null where the two are too different to align.
const MOST_EDITS = 1500;

const tokens = (text) => text.match(/[\p{L}\p{N}\p{M}]+|\s+|[^\p{L}\p{N}\p{M}\s]/gu)?.flatMap((t) => /\p{Script=Han}/u.test(t) ? [...t] : [t]) ?? [];

const difference = (before, after) => {
  const [a, b] = [tokens(before), tokens(after)];
  const trace = [];
  let reach = new Map([[1, 0]]);
  search: for (let edits = 0; ; edits++) {
    if (edits > Math.min(MOST_EDITS, a.length + b.length)) return null;
    trace.push(new Map(reach));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? reach.get(k + 1) ?? 0 : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) break search;
    }
  }
  const [onlyA, onlyB] = [new Set(), new Set()];
  let [x, y] = [a.length, b.length];
  for (let edits = trace.length - 1; edits > 0; edits--) {
    reach = trace[edits];
    const k = x - y;
    const down = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const start = reach.get(from) ?? 0;
    while (x > start + (down ? 0 : 1) && y > start - from + (down ? 1 : 0)) { x--; y--; }
    if (down) onlyB.add(--y); else onlyA.add(--x);
  }
  const parts = (list, only) => list.reduce((joined, token, at) => {
    const last = joined.at(-1), own = only.has(at);
    if (last && last.own === own) last.text += token; else joined.push({ own, text: token });
    return joined;
  }, []);
  return { before: parts(a, onlyA), after: parts(b, onlyB) };
};

// A text with the parts that only it has set off.
const appendParts = (element, parts, tag) => {
  for (const { own, text } of parts) appendText(own && text.trim() ? element.appendChild(make(tag)) : element, text);
  return element;
};
