// The page: sections and blocks as its JSON says, the bar on top, the keys.

const BLOCKS = { facts, table, notice, listing, curves, scatter, intervals, discussions, answers };

const LOGO = () => svg("svg", { width: 30, height: 22, viewBox: "0 0 30 22", "aria-hidden": "true" },
  svg("path", { d: "M8 6 L22 11 M8 16 L22 11", stroke: "currentColor", "stroke-width": 1.6, opacity: 0.5 }),
  el2("right", 6, 6), el2("wrong", 6, 16), el2("right", 23, 11));

function el2(kind, x, y) {
  return svg("g", { class: kind }, shape(kind, x, y, 4.6, { fill: "currentColor" }));
}

const links = el("nav", { "aria-label": "sections" });
const shown = new Map(); // by id: the section's element, its link, and its blocks by what they are called

function build(page) {
  const dark = el("button", { type: "button", "aria-label": "light or dark", title: "light or dark", onclick: () => theme.toggle() }, "◐");
  document.getElementById("top").append(el("div", {}, el("div", { class: "brand" }, LOGO(), el("h1", { title: page.title }, page.title)), links, dark));
  document.getElementById("main").replaceChildren();
  update(page.sections);
  document.getElementById("end").append(el("div", { class: "keys" }, el("kbd", {}, "/"), " search · ", el("kbd", {}, "j"), " ", el("kbd", {}, "k"), " next, previous · ", el("kbd", {}, "d"), " light or dark"), el("div", {}, page.made));
}

const watch = new IntersectionObserver((entries) => entries.forEach((entry) => {
  const { link } = shown.get(entry.target.id);
  if (entry.isIntersecting) {
    link.setAttribute("aria-current", "true");
    links.scrollLeft = link.offsetLeft - links.offsetLeft - 40;
  } else link.removeAttribute("aria-current");
}), { rootMargin: "-20% 0px -70% 0px" });

/** Shows sections; of those that are there already only what has changed is drawn again. */
function update(sections) {
  arrange(document.getElementById("main"), sections.map((section) => {
    if (!shown.has(section.id)) shown.set(section.id, begun(section));
    const one = shown.get(section.id);
    one.note.textContent = section.note;
    one.note.hidden = !section.note;
    one.blocks = drawn(section.blocks, one.blocks);
    arrange(one.host, [...one.blocks.values()].map((block) => block.node));
    return one.root;
  }));
  arrange(links, sections.map((section) => shown.get(section.id).link));
  theme.prune();
}

function begun({ id, title }) {
  const [note, host] = [el("p", { class: "note" }), el("div", { class: "blocks" })];
  const root = el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), note, host);
  watch.observe(root);
  return { root, note, host, link: el("a", { href: `#${id}` }, title), blocks: new Map() };
}

function drawn(blocks, before) {
  const after = new Map();
  for (const block of blocks) {
    let key = `${block.kind} ${block.title || block.id || ""}`;
    while (after.has(key)) key += "+";
    const [text, had] = [JSON.stringify(block), before.get(key)];
    const same = had && (had.text === text || had.node.renew?.(block));
    after.set(key, { text, node: same ? had.node : BLOCKS[block.kind](block) });
  }
  return after;
}

/** Puts children in an order; those that are in their place already are not touched. */
function arrange(parent, children) {
  children.forEach((child, at) => { if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] || null); });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

/** Returns the browser nearest to the middle of the window, which keys go to. */
function nearest() {
  const middle = innerHeight / 2;
  const away = (node) => { const box = node.getBoundingClientRect(); return Math.max(box.top - middle, middle - box.bottom, 0); };
  return [...document.querySelectorAll(".browser")].sort((a, b) => away(a) - away(b))[0];
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "d") theme.toggle();
  if (event.key === "Escape") document.querySelector(".sheet .bar button")?.click();
  const target = nearest();
  if (!target) return;
  if (event.key === "/") { event.preventDefault(); target.scrollIntoView(); target.querySelector("[data-search]").focus({ preventScroll: true }); }
  const by = { j: 1, k: -1 }[event.key];
  if (by) target.dispatchEvent(new CustomEvent("move", { detail: by }));
});

build(JSON.parse(document.getElementById("page").textContent));
document.documentElement.dataset.ready = String(Math.round(performance.now()));
