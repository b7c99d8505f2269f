// One discussion as a graph: the drawing came with it, here it learns to be chosen from.

function turnVerdict(turn) {
  return verdict(turn.correct ?? turn.label);
}

/** Shows a drawing; `choose(step)` is called when a node is chosen. Returns [element, mark(step or null)]. */
function graph({ mag, drawing }, choose) {
  const shown = DOMPurify.sanitize(drawing, { USE_PROFILES: { svg: true }, RETURN_DOM_FRAGMENT: true }).firstElementChild;
  shown.setAttribute("role", "group");
  const edges = [...shown.querySelectorAll(".edge")].map((line) => ({ line, from: Number(line.dataset.from), to: Number(line.dataset.to) }));
  const nodes = [...shown.querySelectorAll(".node")];
  shown.setAttribute("aria-label", `Graph of ${counted(nodes.length, "turn")} and ${counted(edges.length, "edge")}`);
  edges.forEach(({ line, from, to }) => line.append(svg("title", {}, `turn ${from} stood in the prompt of turn ${to} (${line.classList[1]})`)));

  let chosen = null;
  function light(step) {
    shown.classList.toggle("busy", step !== null);
    const lit = new Set([step]);
    edges.forEach(({ line, from, to }) => {
      line.classList.toggle("lit", to === step);
      if (to === step) lit.add(from);
    });
    nodes.forEach((node, at) => node.classList.toggle("lit", lit.has(at)));
  }
  function mark(step) {
    chosen = step;
    nodes.forEach((node, at) => {
      node.classList.toggle("chosen", at === step);
      node.setAttribute("aria-pressed", String(at === step));
    });
    light(step);
  }
  nodes.forEach((node, step) => {
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", labelled(mag.turns[step]));
    node.addEventListener("click", () => choose(step));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(step); }
    });
    for (const event of ["mouseenter", "focus"]) node.addEventListener(event, () => light(step));
    for (const event of ["mouseleave", "blur"]) node.addEventListener(event, () => light(chosen));
  });
  return [el("div", { class: "graph" }, shown), mark];
}

function labelled(turn) {
  const answer = turn.answer ?? (turn.status === "invalid" ? "unreadable" : NONE);
  return `turn ${turn.step}: ${turn.agent}, ${turn.role || "solver"}, answer ${answer}, ${VERDICTS[turnVerdict(turn)]}`;
}

const EDGE_WORDS = { content: "shown", self: "own earlier turn", summary: "as a summary", critique: "as a critique", control: "brought it about, not quoted" };

function legend(mag) {
  const kinds = new Set(mag.turns.flatMap((turn) => (turn.seen || []).map((edge) => edge.kind || "content")));
  const states = new Set(mag.turns.map(turnVerdict));
  const signs = [[true, "right"], [false, "wrong"], [null, "none"]].filter(([, kind]) => states.has(kind)).map(([value, kind]) => el("li", {}, sign(value, ""), VERDICTS[kind]));
  const lines = Object.entries(EDGE_WORDS).filter(([kind]) => kinds.has(kind)).map(([kind, text]) =>
    el("li", {}, svg("svg", { width: 34, height: 8, class: "mag", "aria-hidden": "true" }, svg("g", { class: `edge ${kind}` }, svg("path", { d: "M2 4 L32 4" }))), text));
  return el("ul", { class: "legend" }, signs, lines);
}
