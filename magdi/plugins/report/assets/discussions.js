// The browser of discussions: question, graph, who was shown what, every prompt and reply.

function discussions(block) {
  return browser(block, {
    noun: "discussion",
    whole: "search what was said too",
    haystack: (index) => index.id.map((id, at) => [id, index.question[at], index.gold[at], index.answer[at]].join("\n").toLowerCase()),
    filters: (index) => [
      { label: "team", options: CORRECT, test: (at, value) => verdict(index.correct[at]) === value },
      ...worded(index, "graph", "structure"),
      { label: "minds", options: [["any", "changed"], ["up", "wrong to right"], ["down", "right to wrong"], ["none", "none changed"]], test: (at, value) => changed(index, at)[value] },
      ...worded(index, "stopped by", "stop"),
      ...worded(index, "protocol", "protocol"),
      ...worded(index, "task", "task"),
      ...(index.invalid.some(Boolean) ? [{ label: "replies", options: [["bad", "some unreadable"]], test: (at) => index.invalid[at] > 0 }] : []),
    ],
    sorts: {
      "as in the file": null,
      "most turns": (index, a, b) => index.turns[b] - index.turns[a],
      "most minds changed": (index, a, b) => index.up[b] + index.down[b] - index.up[a] - index.down[a],
      "most tokens": (index, a, b) => index.tokens[b] - index.tokens[a],
    },
    item: (index, at, query) => [
      el("span", { class: "signs" }, sign(index.correct[at], `team ${VERDICTS[verdict(index.correct[at])]}`)),
      el("span", { class: "line" }, highlighted(index.question[at], query)),
      el("span", { class: "more" }, [index.structure[at], counted(index.turns[at], "turn"), index.first[at] && `first ${index.first[at]} right`, index.up[at] ? `${index.up[at]} mended` : "", index.down[at] ? `${index.down[at]} lost` : ""].filter(Boolean).join(" · ")),
    ],
    show: (record, at, query) => discussion(record, query, block),
  });
}

function changed(index, at) {
  const [up, down] = [index.up[at], index.down[at]];
  return { any: up + down > 0, up: up > 0, down: down > 0, none: up + down === 0 };
}

/** The discussion of a record: a turn that is chosen in the drawing is shown below it, and nothing moves. */
function discussion(record, query, block) {
  const { mag } = record;
  const shownTo = mag.turns.map(() => []);
  mag.turns.forEach((turn) => (turn.seen || []).forEach((edge) => shownTo[edge.step].push(turn.step)));
  const card = (turn, mark) => turnCard(mag, turn, shownTo[turn.step], query, block, mark);
  const sheet = el("div", { class: "sheet", hidden: true });
  const close = el("div", { class: "bar" }, el("button", { type: "button", "aria-label": "close", onclick: () => choose(null) }, "×"));
  let chosen = null;
  function choose(step) {
    chosen = step === chosen ? null : step;
    sheet.hidden = chosen === null;
    sheet.replaceChildren(close, ...(chosen === null ? [] : [card(mag.turns[chosen]).unfold(true)]));
    sheet.scrollTop = 0;
    mark(chosen);
  }
  const [drawing, mark] = graph(record, choose);
  const rounds = [...new Set(mag.turns.map((turn) => turn.round || 0))];
  const parts = rounds.flatMap((round) => [el("h4", {}, `Round ${round}`), ...mag.turns.filter((turn) => (turn.round || 0) === round).map((turn) => card(turn, mark).root)]);
  return [
    prose(mag.question.text, query, { class: "question" }),
    choices(mag.question), outcome(mag), el("div", { class: "stage" }, drawing, legend(mag), sheet), ...parts,
  ].filter(Boolean);
}

function choices(question) {
  if (!(question.choices || []).length) return null;
  return el("ul", { class: "chips" }, question.choices.map((each) => el("li", { class: "chip" }, el("strong", {}, each.label), prose(each.text))));
}

function outcome(mag) {
  const decision = mag.decision || {};
  const { gold } = mag.question;
  const votes = Object.entries(decision.votes || {}).map(([answer, weight]) => `${answer}: ${figure(weight)}`).join(", ");
  const usage = mag.turns.reduce((sum, turn) => sum + (turn.usage?.prompt_tokens || 0) + (turn.usage?.completion_tokens || 0), 0);
  const kind = verdict(decision.correct);
  return el("ul", { class: "chips" }, [
    el("li", { class: `chip ${kind}` }, sign(decision.correct), `team: ${decision.answer ?? "no answer"}`),
    gold === undefined ? null : el("li", { class: "chip" }, `gold: ${gold}`),
    votes && el("li", { class: "chip", title: `rule: ${decision.rule}` }, `${decision.rule || "votes"} ${votes}`),
    el("li", { class: "chip" }, mag.protocol),
    mag.stop && el("li", { class: "chip" }, `stopped by ${mag.stop}`),
    usage > 0 && el("li", { class: "chip" }, counted(usage, "token")),
  ].filter(Boolean));
}

const LONG = 700; // characters of a reply that is cut until it is unfolded
let cards = 0;

/** A turn: its head, what it said, and what unfolds. `mark`, where there is one, lights it in the drawing. */
function turnCard(mag, turn, shownTo, query, block, mark) {
  const kind = turnVerdict(turn);
  const id = `turn-${cards += 1}`;
  const body = el("div", { class: "open", id, hidden: true });
  const said = turn.reasoning || turn.text;
  const text = prose(said, query, { class: "said" });
  const button = el("button", { type: "button", "aria-expanded": "false", "aria-controls": id },
    sign(turn.correct ?? turn.label), el("span", { class: "who" }, turn.agent),
    el("span", { class: "soft" }, about(turn)),
    el("span", { class: `answer ${kind}` }, turn.answer ?? (turn.status === "invalid" ? "unreadable" : "no answer")));
  const card = { root: el("article", { class: `turn ${kind}` }, button, text, body), button, unfold };
  function unfold(on) {
    if (on && !body.childElementCount) body.append(...unfolded(mag, turn, shownTo, query, block));
    body.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    text.classList.toggle("long", !on && said.length > LONG);
    return card.root;
  }
  button.addEventListener("click", () => {
    unfold(body.hidden);
    if (mark) mark(body.hidden ? null : turn.step);
  });
  unfold(false);
  return card;
}

function about(turn) {
  return [
    `turn ${turn.step}`,
    turn.role && turn.role !== "solver" ? turn.role : "",
    (turn.branch || []).length ? `branch ${turn.branch.join(".")}` : "",
    typeof turn.confidence === "number" ? `says ${percent(turn.confidence)} sure` : "",
    turn.value === undefined ? "" : `value ${figure(turn.value)}`,
    typeof turn.label === "boolean" && typeof turn.correct === "boolean" && turn.label !== turn.correct ? `answer ${VERDICTS[verdict(turn.correct)]}, labelled ${VERDICTS[verdict(turn.label)]}` : "",
    turn.status && turn.status !== "ok" ? turn.status : "",
    turn.attempts > 1 ? `${turn.attempts} tries` : "",
  ].filter(Boolean).join(" · ");
}

/** Buttons for other turns, each of which shows there and then what was said in it. */
function peeks(mag, title, steps, query) {
  const said = el("div", { class: "peek", hidden: true });
  const buttons = steps.map(([step, note]) => {
    const other = mag.turns[step];
    const button = el("button", { type: "button", class: "chip", "aria-expanded": "false" }, sign(other.correct ?? other.label), `${step} ${other.agent}${note ? ` (${note})` : ""}`);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-expanded") === "false";
      buttons.forEach((each) => each.setAttribute("aria-expanded", String(on && each === button)));
      said.hidden = !on;
      said.replaceChildren(prose(other.reasoning || other.text, query));
    });
    return button;
  });
  return steps.length ? [el("h4", {}, title), el("div", { class: "chips" }, buttons), said] : [];
}

function unfolded(mag, turn, shownTo, query, block) {
  const seen = (turn.seen || []).map((edge) => [edge.step, edge.kind && edge.kind !== "content" ? EDGE_WORDS[edge.kind] : ""]);
  const usage = turn.usage || {};
  const prompt = (turn.prompt || []).map((message) => [el("div", { class: "role" }, message.role), el("pre", { tabindex: "0" }, highlighted(message.content, query))]);
  return [
    ...(seen.length ? peeks(mag, "Was shown", seen, query) : [el("h4", {}, "Was shown nothing but the question")]),
    ...peeks(mag, "Was shown to", shownTo.map((step) => [step, ""]), query),
    el("div", { class: "pair" },
      el("div", {}, el("h4", {}, "Prompt"), turn.prompt && block.prompts ? el("div", { class: "role" }, block.prompts) : null, turn.prompt ? prompt : el("p", { class: "note" }, block.no_prompts)),
      el("div", {}, el("h4", {}, "Reply as it came"), el("div", { class: "role" }, [turn.model, usage.completion_tokens ? counted(usage.completion_tokens, "token") : ""].filter(Boolean).join(" · ")), el("pre", { tabindex: "0" }, highlighted(turn.text, query)))),
  ];
}
