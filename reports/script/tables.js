// Tables that sort by a press on a column's head, and the handles under charts.
const figure = (cell) => {
  if (cell.dataset.value !== undefined) return parseFloat(cell.dataset.value);
  const text = cell.textContent.trim().replace(/−/g, "-").replace(/,/g, "");
  return /^[+-]?[\d.]/.test(text) ? parseFloat(text) : NaN;
};
const naturally = new Intl.Collator(language, { numeric: true }).compare;

const sortable = (table) => {
  const heads = [...table.tHead.rows].at(-1).cells, body = table.tBodies[0];
  if (body.rows.length < 3) return;
  [...heads].forEach((head, column) => {
    const press = button("", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && column > 0 || head.getAttribute("aria-sort") === "ascending";
      const value = (row) => figure(row.cells[column]);
      // What has no figure stands last, whichever way.
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (Number.isNaN(x) && Number.isNaN(y)) return (down ? -1 : 1) * naturally(a.cells[column].textContent, b.cells[column].textContent);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return down ? y - x : x - y;
      };
      const fixed = [...body.rows].filter((row) => row.classList.contains("published"));
      body.append(...[...body.rows].filter((row) => !fixed.includes(row) && row.cells.length === heads.length).toSorted(order), ...fixed);
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }, { class: "sort" });
    press.append(...head.childNodes);
    head.append(press);
  });
};

const download = (name, blob) => {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

// A chart as a file of its own: with the page's style for charts in it, that for dark pages too unless its paper is white.
const standalone = (svg, onWhite = false) => {
  const copied = svg.cloneNode(true), own = $("chart-style").textContent;
  const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
  style.textContent = onWhite ? own.split("@media")[0] : own;
  copied.prepend(style);
  copied.setAttribute("height", svg.viewBox.baseVal.height);
  return new XMLSerializer().serializeToString(copied);
};
const quoted = (text) => '"' + (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" : "") + text.replace(/"/g, '""') + '"';
const csv = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim().replace(/−/g, "-"))).join(",")).join("\r\n") + "\r\n";
const png = (svg) => new Promise((resolve, reject) => {
  const image = new Image(), { width, height } = svg.viewBox.baseVal;
  image.onload = () => {
    const canvas = make("canvas", { width: width * 2, height: height * 2 });
    const ink = canvas.getContext("2d");
    ink.fillStyle = "#ffffff";
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(resolve, "image/png");
  };
  image.onerror = reject;
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(standalone(svg, true));
});

const downloadable = (chart) => {
  const svg = chart.querySelector("svg"), table = chart.querySelector("table"), name = chart.dataset.name;
  chart.querySelector("figure > details").before(make("p", { class: "handles" },
    button("SVG", () => download(name + ".svg", new Blob([standalone(svg)], { type: "image/svg+xml" })), { class: "small" }), " ",
    button("PNG", () => png(svg).then((blob) => download(name + ".png", blob)), { class: "small" }), " ",
    table && button("CSV", () => download(name + ".csv", new Blob([csv(table)], { type: "text/csv" })), { class: "small" })));
};

// A field above a long table that leaves the rows in which its words stand.
const LONG = 40;
const findable = (table) => {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < LONG || table.closest("figure")) return;
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const field = make("input", { type: "search", placeholder: say("find-rows"), "aria-label": say("find-rows"), autocomplete: "off", on: { input: () => {
    const wanted = field.value.trim().toLowerCase();
    for (const [row, text] of texts) row.hidden = !text.includes(wanted);
  } } });
  (table.closest(".scroll") ?? table).before(make("p", { class: "find-rows" }, field));
};

// The note of the mark that has the focus or the pointer, with its interval and n, for those who do not wait for a tooltip.
const told = (chart) => {
  const note = make("p", { class: "note told", "aria-hidden": "true" });
  const tell = ({ target }) => { note.textContent = (target.closest("a") ?? target.closest("g"))?.querySelector("title")?.textContent ?? ""; };
  for (const event of ["focusin", "pointerover"]) chart.addEventListener(event, tell);
  chart.querySelector("figure > details").before(note);
};

const equip = (section) => {
  section.querySelectorAll("table").forEach(sortable);
  section.querySelectorAll("table").forEach(findable);
  section.querySelectorAll("figure.chart").forEach(told);
  section.querySelectorAll("figure.chart").forEach(downloadable);
};
document.querySelectorAll("main > section:not(#transcripts)").forEach(equip);
