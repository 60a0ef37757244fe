// Elements and words. All text of others goes through text nodes: nothing in it can become markup.
const $ = (id) => document.getElementById(id);

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

const button = (label, press, attributes = {}) => make("button", { type: "button", on: { click: press }, ...attributes }, label);

const words = JSON.parse($("words").textContent);
const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);
const plural = new Intl.PluralRules(language);

// Words by their key, with values in their places.
const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const count = (n, key) => say(words[key + "." + plural.select(n)] ? key + "." + plural.select(n) : key + ".other", { n: number.format(n) });
