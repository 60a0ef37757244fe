// What the transcripts show, as the page's address: `#transcripts?suite=…&q=…`. Figures of the report link to such addresses
// (src/report/address.rs writes them), and every one can be cited.
const MANY = ["suite", "group", "model", "verdict", "label", "mark", "show"];
const ONE = ["with", "paired", "changed", "search", "sort", "q", "beside", "raw", "diff", "whole"];

const parse = (hash) => {
  const state = Object.fromEntries([...MANY.map((name) => [name, []]), ...ONE.map((name) => [name, ""])]);
  const at = hash.indexOf("?");
  for (const [name, value] of new URLSearchParams(at < 0 ? "" : hash.slice(at + 1))) {
    if (MANY.includes(name)) state[name].push(value);
    else if (ONE.includes(name)) state[name] = value;
  }
  return state;
};

const address = (state) => {
  const parameters = new URLSearchParams();
  for (const name of MANY) for (const value of state[name]) parameters.append(name, value);
  for (const name of ONE) if (state[name]) parameters.set(name, state[name]);
  const text = parameters.toString().replaceAll("+", "%20").replaceAll("%2F", "/");
  return "#transcripts" + (text ? "?" + text : "");
};

const isTranscripts = (hash) => hash === "#transcripts" || hash.startsWith("#transcripts?");
