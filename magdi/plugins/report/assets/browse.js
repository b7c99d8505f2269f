// A list with filters and search on the left, one record of it on the right. Only what is looked at is unpacked.

const LIST_PAGE = 50;
const QUIET = 120; // milliseconds without a key before a search starts

/**
 * @param block  what the page says: id, store, ...
 * @param spec   noun; filters [{label, options: [[value, label]], test(at, value)}]; sorts {label: (a, b) => number};
 *               haystack(index) -> lower-case text per record; item(index, at, query) -> nodes; show(record, at, query) -> node
 */
function browser(block, spec) {
  const store = block.live ? new Growing() : new Store(block.store);
  const state = { index: null, found: [], page: 0, at: null, query: "", deep: null, search: 0, show: 0, text: null, filters: [] };
  const detail = el("div", { class: "detail", "aria-live": "polite" }, el("p", { class: "empty" }, "loading…"));
  const items = el("ul", { class: "items", "aria-label": spec.noun + "s" });
  const status = el("span", { role: "status" });
  const back = el("button", { type: "button", "aria-label": "earlier ones", onclick: () => { state.page -= 1; list(); } }, "‹");
  const next = el("button", { type: "button", "aria-label": "later ones", onclick: () => { state.page += 1; list(); } }, "›");
  const input = el("input", { type: "search", placeholder: `search ${spec.noun}s`, "aria-label": `search ${spec.noun}s`, "data-search": true });
  const whole = el("input", { type: "checkbox" });
  const filters = el("div", { class: "filters" }, el("div", { class: "wide" }, input),
    el("label", { class: "check wide" }, whole, spec.whole));
  const root = el("div", { class: "browser" },
    el("div", { class: "list" }, filters, el("div", { class: "found" }, status, el("span", {}, back, " ", next)), items), detail);

  const address = (id) => `#${block.id}/${encodeURIComponent(id)}`;

  /** The place of the record that the address names, -1 where it names none of these. */
  function addressed() {
    return state.index.id.findIndex((id) => address(id) === location.hash);
  }

  function passes(at) {
    return state.filters.every(({ select, test }) => !select.value || test(at, select.value));
  }

  function find({ keep = false } = {}) {
    const all = state.text.map((_, at) => at);
    const match = state.query ? all.filter((at) => state.text[at].includes(state.query) || state.deep?.has(at)) : all;
    state.found = match.filter(passes);
    const order = spec.sorts[state.sort.value];
    if (order) state.found.sort((a, b) => order(state.index, a, b) || a - b);
    if (!keep) state.page = 0;
    list({ keep });
  }

  function list({ keep = false } = {}) {
    const from = state.page * LIST_PAGE;
    const shown = state.found.slice(from, from + LIST_PAGE);
    if (!keep || shown.join() !== state.listed) fill(shown, keep);
    const range = state.found.length > LIST_PAGE ? `${(from + 1).toLocaleString("en")}–${(from + shown.length).toLocaleString("en")} of ` : "";
    status.textContent = range + counted(state.found.length, spec.noun) + (state.progress ? ` · ${state.progress}` : "");
    back.disabled = state.page === 0;
    next.disabled = from + LIST_PAGE >= state.found.length;
  }

  function fill(shown, keep) {
    const place = items.scrollTop;
    state.listed = shown.join();
    items.replaceChildren(...shown.map((at) => {
      const button = el("button", { type: "button", "data-at": at, onclick: () => go(at) }, spec.item(state.index, at, state.query));
      if (at === state.at) button.setAttribute("aria-current", "true");
      return el("li", {}, button);
    }));
    items.scrollTop = keep ? place : 0;
  }

  /** Turns the list to the page that a record is on. */
  function reveal(at) {
    const place = state.found.indexOf(at);
    if (place >= 0 && Math.floor(place / LIST_PAGE) !== state.page) {
      state.page = Math.floor(place / LIST_PAGE);
      list();
    }
    items.querySelector(`[data-at="${at}"]`)?.scrollIntoView({ block: "nearest" });
  }

  async function show(at, { scroll = false } = {}) {
    state.at = at;
    const turn = state.show += 1;
    const record = await store.record(at);
    if (turn !== state.show) return; // another one was chosen meanwhile
    detail.replaceChildren(pager(at), ...spec.show(record, at, state.query));
    items.querySelectorAll("button").forEach((button) => {
      if (Number(button.dataset.at) === at) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    if (scroll && matchMedia("(max-width: 900px)").matches) detail.scrollIntoView({ block: "start" });
  }

  function go(at, how = { scroll: true }) {
    history.replaceState(null, "", address(state.index.id[at]));
    return show(at, how);
  }

  function move(by) {
    const place = state.found.indexOf(state.at) + by;
    if (place < 0 || place >= state.found.length) return;
    go(state.found[place], {});
    reveal(state.found[place]);
  }

  function pager(at) {
    const id = state.index.id[at];
    const link = el("a", { href: address(id) }, id);
    return el("div", { class: "head" }, el("strong", {}, link), el("span", { class: "move" },
      el("button", { type: "button", title: "k", onclick: () => move(-1) }, "‹ previous"), " ",
      el("button", { type: "button", title: "j", onclick: () => move(1) }, "next ›")));
  }

  async function search() {
    const number = state.search += 1;
    state.query = input.value.trim().toLowerCase();
    state.deep = null;
    state.progress = "";
    find();
    if (!whole.checked || !state.query) return;
    state.deep = new Set();
    await store.search(state.query, (places, share) => {
      places.forEach((place) => state.deep.add(place));
      state.progress = share < 1 ? `${Math.round(100 * share)} % read` : "";
      if (places.length) { const { page } = state; find(); state.page = page; }
      list();
    }, () => number === state.search);
  }

  function select(label, options, value) {
    const made = el("select", {}, options.map(([value, text]) => el("option", { value }, text)));
    if (value) made.value = value;
    made.addEventListener("change", () => find());
    filters.append(el("label", {}, label, made));
    return made;
  }

  /** Makes the filters; what was chosen in those that are there stays chosen. */
  function filter() {
    const wanted = spec.filters(state.index).map((each) => ({ ...each, options: [["", "all"], ...each.options] }));
    const text = JSON.stringify(wanted);
    if (text === state.filtered) return;
    state.filtered = text;
    const chosen = new Map(state.filters.map((each) => [each.label, each.select.value]));
    const order = state.sort?.value;
    filters.querySelectorAll("label:not(.check)").forEach((each) => each.remove());
    state.filters = wanted.map(({ label, options, test }) => ({ label, test, select: select(label, options, chosen.get(label)) }));
    state.sort = select("order", Object.keys(spec.sorts).map((name) => [name, name]), order);
  }

  /** Takes in records that have come, and leaves everything where it is. */
  async function grow(rows, records) {
    store.add(rows, records);
    if (!state.index) { await start(); return; }
    state.text = spec.haystack(state.index);
    filter();
    root.classList.remove("single");
    find({ keep: true });
  }

  async function start() {
    state.index = await store.index();
    state.text = spec.haystack(state.index);
    filter();
    root.classList.toggle("single", state.text.length === 1);
    find();
    await parsed;
    const wanted = addressed();
    if (wanted >= 0) { await show(wanted); reveal(wanted); root.scrollIntoView(); }
    else if (state.found.length) await show(state.found[0]);
    else detail.replaceChildren(el("p", { class: "empty" }, `no ${spec.noun}s`));
  }

  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, QUIET); });
  whole.addEventListener("change", search);
  addEventListener("hashchange", () => {
    const at = state.index ? addressed() : -1;
    if (at >= 0) { show(at); reveal(at); root.scrollIntoView(); }
  });
  root.addEventListener("move", (event) => move(event.detail));
  items.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const button = event.target.closest("li")[by > 0 ? "nextElementSibling" : "previousElementSibling"]?.firstChild;
    if (button) button.focus();
  });
  if (block.live) Object.assign(root, { grow, renew: () => true });
  else start().catch((error) => detail.replaceChildren(el("p", { class: "notice" }, `This part cannot be read: ${error.message}`)));
  return root;
}

function options(column) {
  const counts = new Map();
  column.forEach((value) => counts.set(value, (counts.get(value) || 0) + 1));
  return [...counts].sort((a, b) => ordered(a[0], b[0])).map(([value, count]) => [String(value), `${value || "(none)"} (${count.toLocaleString("en")})`]);
}

/** A filter on a column of words, left out where there is but one. */
function worded(index, label, column) {
  const found = options(index[column]);
  return found.length > 1 ? [{ label, options: found, test: (at, value) => String(index[column][at]) === value }] : [];
}

const CORRECT = [["right", "right"], ["wrong", "wrong"], ["none", "no label"]];
