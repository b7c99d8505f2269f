// Plots, drawn by uPlot (MIT licence, see below). They are drawn again when the theme or their width changes.

const PALETTE = {
  light: ["#2457c5", "#c2410c", "#0f766e", "#a21caf", "#854d0e", "#475569", "#be123c", "#4d7c0f"],
  dark: ["#8db2ff", "#ffa36b", "#5fd4c4", "#e8a0f5", "#e6c067", "#b6c2d1", "#ff9db0", "#b5db6b"],
};
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

function hue(at) {
  const palette = PALETTE[document.documentElement.dataset.theme];
  return palette[at % palette.length];
}

function dash(at) {
  return DASHES[(at + Math.floor(at / PALETTE.light.length)) % DASHES.length];
}

function axes(block) {
  const base = { stroke: () => colour("soft"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { stroke: () => colour("line") }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
  const shown = block.percent ? (plot, ticks) => ticks.map((tick) => `${+(100 * tick).toFixed(1)} %`) : (plot, ticks) => ticks.map((tick) => (tick === null ? "" : figure(+tick.toPrecision(6))));
  return [
    { ...base, label: block.x, labelSize: 20, size: 34, values: (plot, ticks) => ticks.map((tick) => (tick === null ? "" : figure(+tick.toPrecision(6)))) },
    { ...base, label: block.y || undefined, labelSize: 20, size: 58, values: shown },
  ];
}

function aligned(series) {
  const xs = [...new Set(series.flatMap((each) => each.x))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, at) => [x, at]));
  return [xs, ...series.map((each) => {
    const ys = new Array(xs.length).fill(null);
    each.x.forEach((x, at) => { ys[place.get(x)] = each.y[at]; });
    return ys;
  })];
}

function plotted(block, options, data, height, extra) {
  const host = el("div", { class: "plot", role: "img", "aria-label": `${block.title}: ${block.y || ""} by ${block.x}` });
  let plot = null;
  let width = 0;
  const draw = () => {
    if (!host.clientWidth) return;
    width = host.clientWidth;
    if (plot) plot.destroy();
    plot = new uPlot({ width, height, ...options() }, data, host);
  };
  draw.host = host;
  theme.listeners.push(draw);
  new ResizeObserver(() => { if (host.clientWidth !== width) draw(); }).observe(host);
  const card = el("div", { class: `card ${block.half ? "half" : ""}` },
    el("div", { class: "plot-head" }, el("h3", {}, block.title), ...(extra || [])), host,
    block.note ? el("p", { class: "note" }, block.note) : null);
  return { card, draw, renew: (next) => { data = next; draw(); } };
}

const FEW = 12; // points of a line that are drawn as such

function lines(block, log) {
  const few = block.series.every((each) => each.x.length <= FEW);
  const say = (plot, raw) => (raw === null || raw === undefined ? NONE : block.percent ? percent(raw) : figure(+raw.toPrecision(4)));
  const share = (plot, low, high) => [Math.max(0, low - 0.03), Math.min(1.005, high + 0.03)];
  const [across, up] = axes(block);
  return {
    scales: {
      x: { time: false, ...(few ? { range: (plot, low, high) => [low - 0.15, high + 0.15] } : {}) },
      y: block.percent ? { range: share } : { distr: log ? 3 : 1 },
    },
    axes: [few ? { ...across, incrs: [1, 2, 5, 10] } : across, up],
    cursor: { drag: { x: true, y: false }, ...(block.group ? { sync: { key: block.group } } : {}) },
    series: [
      { label: block.x, value: (plot, raw) => (raw === null || raw === undefined ? NONE : figure(raw)) },
      ...block.series.map((each, at) => ({
        label: each.name, stroke: hue(each.hue ?? at), width: each.thin ? 1 : 2, alpha: each.thin ? 0.35 : 1, ...(each.thin ? { class: "thin" } : {}), dash: dash(each.hue ?? at), spanGaps: true, value: say,
        points: { show: few && !each.thin, size: 8, fill: hue(each.hue ?? at) },
      })),
    ],
  };
}

/** Lines over a shared x. Curves of one group show their values at the same place; a drag zooms, a double click undoes it. */
function curves(block) {
  let log = Boolean(block.log);
  const positive = block.series.every((each) => each.y.every((y) => y === null || y > 0));
  const toggle = el("button", { type: "button", "aria-pressed": String(log) }, "log scale");
  const { card, draw, renew } = plotted(block, () => lines(block, log), aligned(block.series), 250, positive && !block.percent ? [toggle] : []);
  const names = ({ series, note }) => JSON.stringify([note, series.map((each) => each.name)]);
  card.renew = (next) => {
    if (names(next) !== names(block)) return false;
    block = next;
    renew(aligned(next.series));
    return true;
  };
  toggle.addEventListener("click", () => {
    log = !log;
    toggle.setAttribute("aria-pressed", String(log));
    draw();
  });
  return card;
}

/** 1, 2 and 5 times the powers of ten between two values. */
function decades(low, high) {
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) ticks.push(power, 2 * power, 5 * power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Named points with intervals, e.g. accuracy against tokens. */
function scatter(block) {
  const all = block.points;
  const xs = all.map((point) => point.x);
  const [lowest, highest] = [Math.min(...xs), Math.max(...xs)];
  const ys = all.flatMap((point) => [point.y, point.low, point.high]).filter((y) => y !== null && y !== undefined);
  const pad = 0.06 * (Math.max(...ys) - Math.min(...ys) || 0.1);
  const range = [Math.min(...ys) - pad, Math.max(...ys) + pad];
  const shown = block.log ? [lowest / 1.35, highest * 1.35] : [Math.min(0, lowest), highest * 1.15 || 1];
  const groups = [...new Set(all.map((point) => point.group))];
  const data = aligned(groups.map((group) => ({ x: all.filter((p) => p.group === group).map((p) => p.x), y: all.filter((p) => p.group === group).map((p) => p.y) })));
  const options = () => ({
    scales: { x: { time: false, distr: block.log ? 3 : 1, range: () => shown }, y: { range: () => range } },
    axes: block.log ? axes(block).map((axis, at) => (at ? axis : { ...axis, splits: () => decades(...shown), filter: (plot, ticks) => ticks })) : axes(block),
    legend: { show: false },
    cursor: { show: false },
    series: [{}, ...groups.map((group) => ({ label: group, paths: () => null, points: { show: false } }))],
    hooks: { draw: [(plot) => { spots(plot, all, groups, block); }] },
  });
  const rows = all.map((point) => [point.group ? `${point.group}: ${point.name}` : point.name, point.x, point.y, point.low === null ? null : [point.low, point.high]]);
  const { card } = plotted(block, options, data, 340);
  const key = el("ul", { class: "legend" });
  const paint = () => key.replaceChildren(...groups.filter(Boolean).map((group) => {
    const glyph = svg("svg", { class: "sign", viewBox: "0 0 16 16", "aria-hidden": "true" }, shape(GLYPHS[groups.indexOf(group) % 3], 8, 8, 6, { fill: hue(groups.indexOf(group)) }));
    return el("li", {}, glyph, group);
  }));
  paint();
  paint.host = key;
  theme.listeners.push(paint);
  card.querySelector(".plot").after(key);
  const columns = [{ title: "", kind: "text" }, { title: block.x, kind: "number", digits: 1 }, { title: block.y, kind: "percent" }, { title: "95 % interval", kind: "interval" }];
  card.append(el("details", {}, el("summary", {}, "as a table"), table({ columns, rows })));
  return card;
}

const GLYPHS = ["right", "wrong", "none"]; // the shapes alone: circle, square, diamond

function spots(plot, all, groups, block) {
  const { ctx } = plot;
  const unit = devicePixelRatio;
  const at = (value, scale) => plot.valToPos(value, scale, true);
  const placed = all.map((point) => ({
    name: point.name, group: groups.indexOf(point.group), on: (block.joined || []).includes(point.group), x: at(point.x, "x"), y: at(point.y, "y"),
    bar: point.low === null || point.low === undefined ? null : [at(point.high, "y"), at(point.low, "y")],
  }));
  ctx.save();
  Object.assign(ctx, { font: `600 ${12 * unit}px system-ui, sans-serif`, textAlign: "left", textBaseline: "middle", lineWidth: 2 * unit });
  groups.forEach((group, number) => {
    const members = placed.filter((point) => point.group === number).toSorted((a, b) => a.x - b.x);
    ctx.strokeStyle = ctx.fillStyle = hue(number);
    if ((block.joined || []).includes(group)) joined(ctx, members, unit);
    members.forEach((point) => spot(ctx, point, unit));
  });
  const taken = placed.map(({ x, y, bar }) => ({ left: x - 6 * unit, right: x + 6 * unit, top: (bar ? bar[0] : y) - 6 * unit, bottom: (bar ? bar[1] : y) + 6 * unit }));
  placed.forEach((point) => {
    ctx.fillStyle = hue(point.group);
    named(ctx, point, taken, placed.length, plot.bbox, unit);
  });
  ctx.restore();
}

function joined(ctx, members, unit) {
  ctx.setLineDash([4 * unit, 4 * unit]);
  ctx.beginPath();
  members.forEach((point) => ctx.lineTo(point.x, point.y));
  ctx.stroke();
  ctx.setLineDash([]);
}

function spot(ctx, { x, y, bar, group }, unit) {
  const reach = 5 * unit;
  if (bar) {
    ctx.beginPath();
    for (const end of bar) { ctx.moveTo(x - reach, end); ctx.lineTo(x + reach, end); }
    ctx.moveTo(x, bar[0]);
    ctx.lineTo(x, bar[1]);
    ctx.stroke();
  }
  ctx.beginPath();
  if (group % 3 === 1) ctx.rect(x - reach, y - reach, 2 * reach, 2 * reach);
  else if (group % 3 === 2) [[0, -7], [7, 0], [0, 7], [-7, 0]].forEach(([dx, dy]) => ctx.lineTo(x + dx * unit, y + dy * unit));
  else ctx.arc(x, y, 5.5 * unit, 0, 7);
  ctx.fill();
}

function crosses(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

/** Writes a point's name where it covers least of what is there already. */
function named(ctx, { name, x, y, bar, on }, taken, count, box, unit) {
  const [width, half, gap] = [ctx.measureText(name).width, 7 * unit, 10 * unit];
  const [over, under] = [(bar ? bar[0] : y) - 2 * half, (bar ? bar[1] : y) + 2 * half];
  const beside = [[x + gap, y], [x - gap - width, y]];
  const above = [[x - width / 2, over], [x - width / 2, under]];
  const spaces = [...(on ? [...above, ...beside] : [...beside, ...above]), [x + gap, y + 2 * half], [x + gap, y - 2 * half], [x - gap - width, y + 2 * half], [x - gap - width, y - 2 * half]]
    .map(([left, middle]) => ({ left, right: left + width, top: middle - half, bottom: middle + half }));
  const bad = (space) => taken.filter((other) => crosses(space, other)).length
    + 5 * (space.left < box.left || space.right > box.left + box.width + gap || space.top < box.top - half || space.bottom > box.top + box.height);
  const best = spaces.reduce((one, other) => (bad(other) < bad(one) ? other : one));
  if (taken.slice(count).some((other) => crosses(best, other))) return; // in the way of another name: the table has it
  taken.push(best);
  ctx.fillText(name, best.left, (best.top + best.bottom) / 2);
}
