// What became of trials, in marks and words. A question's entry holds for each model its outcomes, one for each epoch.
const MARKS = { right: "✔", wrong: "✘", scored: "◆", answered: "●", partly: "◐", withheld: "○", blocked: "■", unable: "∅", unscored: "?", failed: "!" };
const VERDICTS = Object.keys(MARKS);

const grouped = (list, key) => list.reduce((groups, item) => {
  const group = groups.get(key(item));
  if (group) group.push(item); else groups.set(key(item), [item]);
  return groups;
}, new Map());

const outcomes = (entry, m) => entry.v[m] ?? [];
const hasScore = (entry, m) => outcomes(entry, m).some((o) => o.value !== undefined);
const score = (entry, m) => {
  const values = outcomes(entry, m).map((o) => o.value).filter((v) => v !== undefined);
  return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
};
const verdict = (entry, m) => outcomes(entry, m)[0]?.verdict;
const changed = (entry, m) => index.baseline !== null && m !== index.baseline && verdict(entry, index.baseline) !== undefined
  && verdict(entry, m) !== verdict(entry, index.baseline);

// An entry with the outcomes that its numbers stand for.
const resolved = (entry, list) => {
  entry.v = entry.v.map((numbers) => numbers === null ? [] : [].concat(numbers).map((n) => list[n]));
  return entry;
};
const numbered = (names) => new Map(names.map((name, n) => [name, n]));
