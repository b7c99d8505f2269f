// Replies as they are meant to be read: Markdown by marked, cleaned by DOMPurify, mathematics by KaTeX.
//
// A reply may be hostile, and must lose nothing. It has no HTML, links or images: what looks so stays text. What only
// a reader of Markdown would take for markup, such as the stars of 2*3*4, stays too. Whatever is shown is compared
// with the reply, letter by letter and digit by digit; where one is missing the reply is shown as plain text.

const LONGEST = 20000; // characters of a reply that is read as Markdown
const MOST_DRAWN = 400; // formulas of a reply that are drawn: a thousand take a second
const TAGS = ["p", "br", "strong", "em", "del", "code", "pre", "small", "blockquote", "ul", "ol", "li", "h5", "hr", "table", "thead", "tbody", "tr", "th", "td"];
const CLEAN = { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["value", "data-math"], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true };

const DISPLAYED = /^(?:\\\[[^]{1,4000}?\\\]|\$\$[^$]{1,4000}?\$\$|\\begin\{([a-z]+\*?)\}[^]{1,4000}?\\end\{\1\})/i;
const IN_LINE = /^(?:\\\([^]{1,2000}?\\\)|\$(?=[^\s$])((?:\\.|[^\\$\n]){1,1000})(?<!\s)\$(?![\p{L}\p{N}_$]))/u;
const SMALL_WORD = /\s(?:and|or|the|for|is|are|per|of|to|in|at|each|from|with|than|but|if|a)\s/i;

const HIDDEN = /\\[vh]?phantom\b/; // said, but not to be seen; colours are not drawn either

/** Whether what stands between two dollars is rather prose between two sums of money; `before` stands before them. */
function isMoney(inner, before) {
  if (/^[,;:.)*/=]|[,;:(*/=+-]$/.test(inner) && /^[^a-z\\]*$|^\d/i.test(inner)) return true;
  if (/^[,;]/.test(inner) || (/\d\s+$/.test(before) && /^[^\p{L}\p{N}\\]/u.test(inner))) return true;
  const plain = inner.replace(/\\(?:text|mathrm|operatorname)\s*\{[^{}]*\}|\\[a-z]+/gi, " ");
  if (SMALL_WORD.test(plain) || /\p{L}{2,}[ ,.;:]+\p{L}{2,}/u.test(plain)) return true;
  const count = (mark) => plain.split(mark).length;
  return /^[\d.,]+/.test(plain) && (/\p{L}{2,}/u.test(plain) || count("(") !== count(")"));
}

function mathematics(raw, display) {
  return raw ? { type: display ? "displayed" : "inline", raw } : undefined;
}

function inline(src, tokens) {
  const displayed = DISPLAYED.exec(src);
  if (displayed) return mathematics(displayed[0], true);
  const found = IN_LINE.exec(src);
  if (!found) return undefined;
  const before = tokens.at(-1)?.raw || "";
  if (found[1] !== undefined && (/[\p{L}\p{N}_\\$]$/u.test(before) || isMoney(found[1], before))) return undefined;
  return mathematics(found[0], false);
}

const shownMathematics = ({ type, raw }) => `<code data-math="${type}">${entities(raw)}</code>`;

const EXTENSIONS = [
  { name: "displayed", level: "block", start: (src) => src.match(/\n[ \t]*(?:\\\[|\$\$|\\begin\{)/)?.index, renderer: shownMathematics,
    tokenizer(src) {
      const margin = /^[ \t]*/.exec(src)[0];
      const found = DISPLAYED.exec(src.slice(margin.length));
      return mathematics(found && margin + found[0], true);
    } },
  { name: "inline", level: "inline", start: (src) => src.match(/[$\\]/)?.index, tokenizer: inline, renderer: shownMathematics },
];

function entities(text) {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Stars belong to a word that they touch, as underscores do; not so in scripts that have no blanks. */
function emphasis(src, masked, before) {
  const inside = (char) => /[\p{L}\p{N})\]*]/u.test(char || "") && !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(char);
  if (src[0] === "*" && inside(before)) return undefined;
  const token = marked.Tokenizer.prototype.emStrong.call(this, src, masked, before);
  return src[0] === "*" && token && inside(src[token.raw.length]) ? undefined : token;
}

const refused = () => undefined;

/** A line that begins with a sign and has nothing but figures is a line of a sum, and no list, quotation or heading. */
const unlessSum = (src) => (/^ {0,3}(?:[*+>-]|#{1,6})(?=[^\n]*\d)[\d.,$€%()=*/+×÷ \t-]*(?:\n|$)/.test(src) ? undefined : false);

const TOKENIZER = {
  ...Object.fromEntries(["html", "tag", "def", "link", "reflink", "autolink", "url", "lheading"].map((name) => [name, refused])),
  emStrong: emphasis,
  escape: (src) => (/^\\[*_`#$~|<>]/.test(src) ? false : undefined),
  del: (src) => (src.startsWith("~~") ? false : undefined),
  list: (src) => (/^ {0,3}\+/.test(src) ? undefined : unlessSum(src)),
  blockquote: unlessSum,
  heading: unlessSum,
};

const RENDERER = {
  text(token) { return token.tokens ? this.parser.parseInline(token.tokens) : entities(token.text); },
  heading({ tokens }) { return `<h5>${this.parser.parseInline(tokens)}</h5>`; },
  code: ({ text, lang }) => `${lang ? `<small>${entities(lang)}</small>` : ""}<pre>${entities(text)}</pre>`,
  codespan: ({ text }) => `<code>${entities(text)}</code>`,
  checkbox: ({ checked }) => (checked ? "[x] " : "[ ] "),
  listitem(item) {
    const number = /^\s*(\d{1,9})[.)]/.exec(item.raw);
    return `<li${number ? ` value="${number[1]}"` : ""}>${this.parser.parse(item.tokens, item.loose)}</li>`;
  },
};

let reader = null;

function markdown(text) {
  reader ||= new marked.Marked({ extensions: EXTENSIONS, tokenizer: TOKENIZER, renderer: RENDERER, breaks: true });
  const found = DOMPurify.sanitize(reader.parse(text).trimEnd(), CLEAN);
  return lettersOf(found) === letters(text) ? found : null;
}

function letters(text) {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}

function lettersOf(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  let all = "";
  while (walker.nextNode()) all += walker.currentNode.nodeType === Node.TEXT_NODE ? walker.currentNode.data : walker.currentNode.getAttribute("value") || "";
  return letters(all);
}

/** Puts drawn mathematics where its source stands; what cannot be drawn, or would do more than draw, stays source. */
function typeset(node) {
  if (!globalThis.katex || HIDDEN.test(node.textContent)) return;
  const display = node.dataset.math === "displayed";
  const source = node.textContent.trim().replace(/^(?:\\[[(]|\$\$?)|(?:\\[\])]|\$\$?)$/g, "").replace(/(?<!\\)%/g, "\\%");
  const drawn = el("span", { class: display ? "math displayed" : "math" });
  const trust = () => { throw new Error("no"); };
  try {
    katex.render(source, drawn, { displayMode: display, throwOnError: true, strict: "ignore", maxSize: 10, maxExpand: 200, trust });
    node.replaceWith(drawn);
  } catch { node.removeAttribute("data-math"); }
}

/** A reply, or part of one, as an element; `query` is marked in it. */
function prose(text, query, attributes) {
  text = plain(text);
  let found = null;
  try { found = text.length > LONGEST ? null : markdown(text); } catch { /* too deep: it is shown as plain text */ }
  const root = el("div", { ...attributes, class: `prose ${attributes?.class || ""}` }, found || el("p", {}, text));
  [...root.querySelectorAll("[data-math]")].slice(0, MOST_DRAWN).forEach(typeset);
  if (query) light(root, query);
  return root;
}

function light(root, query) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) => (node.parentNode.closest(".katex") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  nodes.forEach((node) => node.replaceWith(...highlighted(node.data, query)));
}
