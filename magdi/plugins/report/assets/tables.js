// Tables: sorted by a click on a heading, cut into pages, filtered, copied as CSV.

const PAGE_ROWS = 25;
const FILTER_FROM = 12;

const CELLS = {
  text: (value) => (value === null || value === undefined ? NONE : String(value)),
  number: (value, column) => figure(value, column.digits),
  percent,
  share: percent,
  points,
  interval: (value) => (value ? `${(100 * value[0]).toFixed(1)} to ${(100 * value[1]).toFixed(1)}` : NONE),
  "interval-points": (value) => (value ? `${points(value[0])} to ${points(value[1])}` : NONE),
  mark: (value) => VERDICTS[verdict(value)],
  link: ([text]) => text,
};

function cell(column, value) {
  const text = CELLS[column.kind](value, column);
  if (column.kind === "text") return el("td", {}, text);
  if (column.kind === "link") return el("td", {}, value[1] ? el("a", { href: value[1] }, text) : text);
  if (column.kind === "mark") return el("td", {}, sign(value), " ", text);
  if (column.kind !== "share") return el("td", { class: "figure" }, text);
  if (value === null || value === undefined) return el("td", { class: "share" }, text);
  const bar = el("i", { "aria-hidden": "true" });
  bar.style.setProperty("--part", `${Math.max(0, Math.min(1, value)) * 100}%`);
  return el("td", { class: "share" }, el("span", {}, text, bar));
}

function ordered(a, b) {
  const [x, y] = [a, b].map((value) => (Array.isArray(value) ? value[0] : value));
  if (x === y) return 0;
  if (x === null || x === undefined) return 1;
  if (y === null || y === undefined) return -1;
  if (typeof x === "number" && typeof y === "number") return x - y;
  return String(x).localeCompare(String(y), "en", { numeric: true });
}

function csv(columns, rows) {
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : Array.isArray(value) ? (typeof value[0] === "string" ? value[0] : value.join(" to ")) : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => column.title), ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

function table(block) {
  const state = { page: 0, by: null, down: false, query: "" };
  const body = el("tbody");
  const heads = block.columns.map((column, at) => {
    const button = el("button", { type: "button", title: column.note || "sort by this" }, column.title);
    const figures = !["text", "mark", "link"].includes(column.kind);
    button.addEventListener("click", () => {
      state.down = state.by === at ? !state.down : figures;
      Object.assign(state, { by: at, page: 0 });
      draw();
    });
    return el("th", { scope: "col", class: column.kind === "share" ? "share" : figures ? "figure" : null }, button);
  });
  const status = el("span", { role: "status" });
  const back = el("button", { type: "button", onclick: () => { state.page -= 1; draw(); } }, "‹ back");
  const next = el("button", { type: "button", onclick: () => { state.page += 1; draw(); } }, "next ›");
  const copy = el("button", { type: "button", onclick: () => copied(copy, csv(block.columns, sorted())) }, "copy as CSV");
  const search = el("input", {
    type: "search", placeholder: "filter rows", "aria-label": `filter ${block.title || "rows"}`,
    oninput: () => { Object.assign(state, { query: search.value.toLowerCase(), page: 0 }); draw(); },
  });

  function sorted() {
    const shown = block.rows.filter((row) => !state.query || row.some((value) => String(value ?? "").toLowerCase().includes(state.query)));
    if (state.by === null) return shown;
    const sense = state.down ? -1 : 1;
    return shown.toSorted((a, b) => {
      const [x, y] = [a[state.by], b[state.by]];
      const missing = (value) => value === null || value === undefined;
      return missing(x) || missing(y) ? ordered(x, y) : sense * ordered(x, y);
    });
  }

  function draw() {
    const rows = sorted();
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    state.page = Math.min(state.page, pages - 1);
    const from = state.page * PAGE_ROWS;
    body.replaceChildren(...rows.slice(from, from + PAGE_ROWS).map((row) => el("tr", {}, row.map((value, at) => cell(block.columns[at], value)))));
    heads.forEach((head, at) => {
      if (at === state.by) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    status.textContent = pages > 1 ? `${from + 1}–${Math.min(from + PAGE_ROWS, rows.length)} of ${counted(rows.length, "row")}` : "";
    back.hidden = next.hidden = pages === 1;
    back.disabled = state.page === 0;
    next.disabled = state.page === pages - 1;
  }

  draw();
  const card = el("div", { class: `card ${block.half ? "half" : ""}` },
    block.title ? el("h3", {}, block.title) : null,
    block.note ? el("p", { class: "note" }, block.note) : null,
    block.rows.length > FILTER_FROM ? search : null,
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": block.title || "table" },
      el("table", {}, el("thead", {}, el("tr", {}, heads)), body)),
    el("div", { class: "tools" }, status, el("span", { class: "grow" }), back, next, copy));
  const frame = ({ rows, ...rest }) => JSON.stringify([rows.length > FILTER_FROM, rest]);
  card.renew = (after) => {
    if (frame(after) !== frame(block)) return false;
    block = after;
    draw();
    return true;
  };
  return card;
}

function facts(block) {
  return el("dl", { class: "facts" }, block.items.map((item) =>
    el("div", { class: item.tone || null }, el("dt", {}, item.label), el("dd", { class: "value" }, item.value),
      item.note ? el("dd", { class: "more" }, item.note) : null)));
}

function notice(block) {
  return el("p", { class: "notice" }, block.text);
}

function listing(block) {
  const copy = el("button", { type: "button", onclick: () => copied(copy, block.text) }, "copy");
  return el("details", { class: "card" }, el("summary", {}, block.title), el("pre", { tabindex: "0" }, block.text), el("div", { class: "tools" }, copy));
}
