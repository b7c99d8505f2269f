// Making elements. Everything that comes from data goes in as text, never as markup.

/** Text in which what would turn the direction of other text, and so 42 into 24, is written out instead. */
function plain(text) {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map((child) => (typeof child === "string" ? plain(child) : child)));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const VERDICTS = { right: "right", wrong: "wrong", none: "no label" };

function verdict(value) {
  return value === true || value === 1 ? "right" : value === false || value === 0 ? "wrong" : "none";
}

/** A circle for right, a square for wrong, a diamond for what has no label; filled with the text's colour. */
function shape(kind, x, y, r, attributes) {
  const all = { class: "shape", ...attributes };
  if (kind === "right") return svg("circle", { cx: x, cy: y, r, ...all });
  if (kind === "wrong") return svg("rect", { x: x - r * 0.9, y: y - r * 0.9, width: r * 1.8, height: r * 1.8, rx: r / 5, ...all });
  const d = r * 1.12;
  return svg("path", { d: `M${x} ${y - d} L${x + d} ${y} L${x} ${y + d} L${x - d} ${y} Z`, ...all });
}

function sign(value, label) {
  const kind = verdict(value);
  const node = svg("svg", { class: `sign ${kind}`, viewBox: "0 0 16 16", role: "img", "aria-label": label || VERDICTS[kind] });
  node.append(shape(kind, 8, 8, 6, { fill: "currentColor" }));
  return node;
}

const NONE = "–";

function figure(value, digits) {
  if (value === null || value === undefined) return NONE;
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  if (digits !== undefined && digits !== null) return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (Math.abs(value) < 1e-3) return (+value.toPrecision(4)).toExponential(); // 5e-6: its noughts are wider than an axis
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(4));
}

function percent(value) {
  return value === null || value === undefined ? NONE : `${(100 * value).toFixed(1)} %`;
}

function points(value) {
  return value === null || value === undefined ? NONE : `${value >= 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(1)}`;
}

/** Text with what was searched for marked in it. */
function highlighted(text, query) {
  const low = text.toLowerCase();
  if (!query || low.length !== text.length) return [text];
  const out = [];
  let from = 0;
  for (let at = low.indexOf(query); at >= 0; at = low.indexOf(query, from)) {
    out.push(text.slice(from, at), el("mark", {}, text.slice(at, at + query.length)));
    from = at + query.length;
  }
  return [...out, text.slice(from)];
}

function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function copied(button, text) {
  const was = button.textContent;
  const done = (say) => { button.textContent = say; setTimeout(() => { button.textContent = was; }, 1200); };
  if (!navigator.clipboard) { done("not possible here"); return; }
  navigator.clipboard.writeText(text).then(() => done("copied"), () => done("not possible here"));
}

// Light and dark: the reader's system decides until the button does. Print is always light.

const theme = {
  listeners: [],
  chosen: null,
  system: matchMedia("(prefers-color-scheme: dark)"),
  get dark() { return this.chosen === null ? this.system.matches : this.chosen; },
  apply(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    this.listeners.forEach((listener) => listener());
  },
  /** Forgets who is on the page no more. */
  prune() { this.listeners = this.listeners.filter((listener) => !listener.host || listener.host.isConnected); },
  toggle() { this.chosen = !this.dark; this.apply(this.dark); },
};
theme.apply(theme.dark);
theme.system.addEventListener("change", () => theme.apply(theme.dark));
addEventListener("beforeprint", () => theme.apply(false));
addEventListener("afterprint", () => theme.apply(theme.dark));

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
