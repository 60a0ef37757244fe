// Renders the Markdown that models write: headings, lists, quotes, code, tables, emphasis. It builds elements and text nodes only;
// links and pictures stay text, so that nothing can be loaded or followed. Texts beyond a size stay plain.
const MOST_MARKDOWN = 200_000;

const INLINE = /(`+)(?<code>[^`]+)\1|\*\*(?<strong>[^*\n]+)\*\*|__(?<strong2>[^_\n]+)__|\*(?<em>[^*\s][^*\n]*)\*|~~(?<del>[^~\n]+)~~/g;
const inline = (element, text) => {
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    appendText(element, text.slice(at, match.index));
    const { code, strong, strong2, em, del } = match.groups;
    const [tag, inner] = code ? ["code", code] : strong ?? strong2 ? ["strong", strong ?? strong2] : em ? ["em", em] : ["del", del];
    element.append(tag === "code" ? appendText(make("code"), inner) : inline(make(tag), inner));
    at = match.index + match[0].length;
  }
  return appendText(element, text.slice(at));
};

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
const isRule = (line) => line !== undefined && line.includes("-") && line.includes("|") && cells(line).every((cell) => /^:?-+:?$/.test(cell));

const tableOf = (lines) => {
  const [head, , ...rows] = lines;
  const row = (line, tag) => make("tr", {}, ...cells(line).map((cell) => inline(make(tag, { dir: "auto" }), cell)));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": say("table") },
    make("table", {}, make("thead", {}, row(head, "th")), make("tbody", {}, ...rows.map((line) => row(line, "td")))));
};

const ITEM = /^(\s*)([-*+•]|\d{1,3}[.)])\s+/;
const listOf = (lines) => {
  const ordered = /\d/.test(lines[0].match(ITEM)[2]);
  const list = make(ordered ? "ol" : "ul", ordered ? { start: parseInt(lines[0].trim(), 10) } : {});
  const depth = lines[0].match(ITEM)[1].length;
  for (let i = 0; i < lines.length;) {
    let next = i + 1;
    while (next < lines.length && !(ITEM.test(lines[next]) && lines[next].match(ITEM)[1].length <= depth)) next++;
    const item = inline(make("li", { dir: "auto" }), lines[i].replace(ITEM, ""));
    const inner = lines.slice(i + 1, next);
    const from = inner.findIndex((line) => ITEM.test(line));
    for (const line of from < 0 ? inner : inner.slice(0, from)) inline(item, " " + line.trim());
    if (from >= 0) item.append(listOf(inner.slice(from)));
    list.append(item);
    i = next;
  }
  return list;
};

const markdown = (text) => {
  const box = make("div", { class: "markdown" });
  if (text.length > MOST_MARKDOWN) return appendText(make("div", { class: "plain", dir: "auto" }), text);
  const lines = text.split("\n");
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const run = (belongs) => { const from = i; do i++; while (i < lines.length && belongs(lines[i], i)); return lines.slice(from, i); };
    const heading = line.match(/^(#{1,6})\s+(.*?)#*$/);
    if (line.trim() === "") i++;
    else if (/^\s*(```|~~~)/.test(line)) {
      const fence = line.trim().slice(0, 3);
      const body = run((l) => !l.trim().startsWith(fence));
      i++;
      box.append(appendText(make("pre", { tabindex: "0", dir: "auto" }), body.slice(1).join("\n")));
    } else if (heading) { i++; box.append(inline(make("p", { class: "heading h" + heading[1].length, dir: "auto" }), heading[2])); }
    else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { i++; box.append(make("hr")); }
    else if (line.includes("|") && isRule(lines[i + 1])) box.append(tableOf(run((l) => l.includes("|"))));
    else if (/^\s*>/.test(line)) box.append(make("blockquote", {}, markdown(run((l) => /^\s*>/.test(l)).map((l) => l.replace(/^\s*>\s?/, "")).join("\n"))));
    else if (ITEM.test(line)) {
      box.append(listOf(run((l, n) => ITEM.test(l) || /^\s+\S/.test(l) || (l.trim() === "" && ITEM.test(lines[n + 1] ?? ""))).filter((l) => l.trim() !== "")));
    } else {
      const paragraph = make("p", { dir: "auto" });
      run((l) => l.trim() !== "" && !/^(#{1,6}\s|\s*>|\s*(```|~~~))/.test(l) && !ITEM.test(l)).forEach((l, n) => {
        if (n > 0) paragraph.append(make("br"));
        inline(paragraph, l);
      });
      box.append(paragraph);
    }
  }
  return box;
};
