// Follows a run: what is new comes as events, and what one looks at stays where it is.

function follow() {
  const badge = el("span", { class: "live", role: "status" });
  document.querySelector("#top .brand").append(badge);
  const say = (word) => { badge.textContent = word; badge.dataset.state = word; };
  const source = new EventSource("events");
  source.addEventListener("open", () => say("live"));
  source.addEventListener("error", () => say("waiting"));
  source.addEventListener("again", () => location.reload()); // the discussions were begun anew
  source.addEventListener("news", (event) => {
    const { sections, parts, rows, records, status } = JSON.parse(event.data);
    for (const [id, text] of Object.entries(parts)) {
      document.getElementById(id)?.remove();
      document.body.append(el("div", { id, hidden: true }, text));
    }
    update(sections);
    if (records.length) document.querySelector("#discussions .browser").grow(rows, records);
    say(status === "running" ? "live" : status);
  });
}

follow();
