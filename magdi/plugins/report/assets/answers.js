// The browser of answers: what the student wrote before and after, beside what teachers said to the same question.

function answers(block) {
  const who = block.who; // [[key, title], ...] in the order in which they are shown
  return browser(block, {
    noun: "question",
    whole: "search whole answers too",
    haystack: (index) => index.id.map((id, at) => [id, index.question[at], index.gold[at]].join("\n").toLowerCase()),
    filters: (index) => [
      ...who.filter(([key]) => index[key]).map(([key, title]) => ({ label: title, options: CORRECT, test: (at, value) => verdict(index[key][at]) === value })),
      ...(index.base && index.student ? [{ label: "distillation", options: [["up", "made it right"], ["down", "made it wrong"], ["same", "changed nothing"]], test: (at, value) => effect(index, at) === value }] : []),
      ...worded(index, "task", "task"),
    ],
    sorts: { "as in the file": null, "longest answers": (index, a, b) => index.tokens[b] - index.tokens[a] },
    item: (index, at, query) => [
      el("span", { class: "signs" }, sign(index[who.at(-1)[0]]?.[at])),
      el("span", { class: "line" }, highlighted(index.question[at], query)),
      el("span", { class: "more" }, who.filter(([key]) => index[key]).map(([key, title]) => [title, " ", sign(index[key][at]), "  "])),
    ],
    show: (record, at, query) => answered(record, query, block),
  });
}

function effect(index, at) {
  const [before, after] = [index.base[at], index.student[at]].map(verdict);
  if (before === after) return "same";
  return after === "right" ? "up" : "down";
}

function answered(record, query, block) {
  const titles = Object.fromEntries(block.who);
  const cards = record.answers.map((answer) => {
    const kind = verdict(answer.correct);
    const more = [answer.output_tokens ? counted(answer.output_tokens, "token") : "", answer.finish === "length" ? "cut off" : "", answer.score === null || answer.score === undefined ? "" : `score ${figure(answer.score)}`, answer.confidence === null || answer.confidence === undefined ? "" : `says ${percent(answer.confidence)} sure`].filter(Boolean).join(" · ");
    return el("div", { class: `card ${kind}` },
      el("h4", {}, sign(answer.correct), answer.name || titles[answer.who] + (answer.sample ? `, draw ${answer.sample}` : "")),
      el("p", {}, el("strong", { class: kind }, answer.answer ?? "no answer"), more ? el("span", { class: "soft" }, ` · ${more}`) : null),
      prose(answer.output, query),
      el("details", {}, el("summary", {}, "as it came"), el("pre", { tabindex: "0" }, highlighted(answer.output, query))),
      answer.prompt ? el("details", {}, el("summary", {}, "prompt"), el("pre", { tabindex: "0" }, highlighted(answer.prompt, query))) : null);
  });
  return [
    prose(record.question, query, { class: "question" }),
    el("ul", { class: "chips" }, el("li", { class: "chip" }, `gold: ${record.gold ?? "not known"}`)),
    el("div", { class: "columns" }, cards),
  ];
}
