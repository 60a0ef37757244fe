// Text of others: invisible characters as marks, searched words marked, and always as text.
const CONTROL = /\\u\{([0-9a-f]{1,6})\}/g;

// Appends a text; what src/text/visible.rs wrote out as \u{202e} becomes a mark that cannot be taken for the text around it.
const appendText = (element, text) => {
  let at = 0;
  for (const match of text.matchAll(CONTROL)) {
    element.append(text.slice(at, match.index), make("span", { class: "control", title: say("control", { code: match[1].toUpperCase() }) }, "U+" + match[1].toUpperCase().padStart(4, "0")));
    at = match.index + match[0].length;
  }
  element.append(text.slice(at));
  return element;
};

// Marks the searched words in the text nodes of an element, without parsing anything; gives the marks.
const highlight = (element, wanted) => {
  const marks = [];
  if (!wanted) return marks;
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    const text = node.data, lower = text.toLowerCase();
    if (lower.length !== text.length || !lower.includes(wanted)) continue;
    const parts = [];
    let at = 0;
    for (let next = lower.indexOf(wanted); next >= 0; next = lower.indexOf(wanted, at)) {
      const mark = make("mark", {}, text.slice(next, next + wanted.length));
      parts.push(text.slice(at, next), mark);
      marks.push(mark);
      at = next + wanted.length;
    }
    node.replaceWith(...parts, text.slice(at));
  }
  return marks;
};
