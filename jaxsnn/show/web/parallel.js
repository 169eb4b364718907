// All points at once: an upright axis for every parameter and every result, a line for each point, coloured by the chosen
// result. A range drawn on an axis leaves out what is not in it, here and on the map.

const MOST_DRAWN = 3000, AXIS_ROOM = 96;
let parallel = null; // what was drawn last

function uprightAxes() {
  const own = sweep.parameters.filter((p) => sweep.dims[p.dim] > 1).map((p) => ({
    name: p.name, unit: p.unit, axis: parameterAxis(p, false), value: (point) => p.places[placeOf(point, p.dim)],
  }));
  const results = sweep.variables.map((v) => ({ name: v.name, unit: v.unit, axis: valueAxis("", v.values, v.log, 0.02), value: (point) => v.values[point] }));
  return [...own, ...results];
}

function drawParallel() {
  const canvas = document.getElementById("parallel-canvas");
  const axes = parallel ? parallel.axes : uprightAxes();
  canvas.style.setProperty("--least", `${axes.length * AXIS_ROOM}px`);
  parallel = drawing(canvas, 330, dims, (page) => parallelOn(page, axes));
  const { g } = parallel.page;
  for (const [colour, width] of [[styled("--paper"), 5], [styled("--mark"), 2.2]]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    parallel.line(pointAt(state.at));
  }
  g.lineWidth = 1;
}

function parallelOn(page, axes) {
  const { g, width, height: tall } = page, top = 44, bottom = tall - 34, none = tall - 12;
  const edge = AXIS_ROOM / 2 - 4, place = (k) => edge + (k * (width - 2 * edge)) / Math.max(1, axes.length - 1);
  const rise = (k, v) => (Number.isFinite(v) && !(axes[k].axis.log && v <= 0) ? bottom - axes[k].axis.of(v) * (bottom - top) : none);
  const done = [...Array(points).keys()].filter((point) => !marks.pending[point]);
  const inside = marks.inside ? done.filter((point) => marks.inside[point]) : done, outside = marks.inside ? done.filter((point) => !marks.inside[point]) : [];
  const colours = colourScale(variableOf(state.variable).values), values = variableOf(state.variable).values;
  const line = (point) => {
    g.beginPath();
    axes.forEach(({ value }, k) => g.lineTo(place(k), rise(k, value(point))));
    g.stroke();
  };
  parallel = { axes, page, place, rise, line, top, bottom, none, drawn: thinned(inside), inside: inside.length, done: done.length };
  g.lineJoin = "round";
  g.strokeStyle = styled("--line");
  g.globalAlpha = 0.35;
  thinned(outside).forEach(line);
  g.globalAlpha = Math.max(0.12, Math.min(0.85, 14 / Math.sqrt(parallel.drawn.length)));
  for (const point of parallel.drawn) {
    const v = values[point];
    g.strokeStyle = v !== v ? styled("--axis") : colours.log && v <= 0 ? styled("--under") : css(level(colours.of(v)));
    line(point);
  }
  g.globalAlpha = 1;
  axes.forEach(uprightAxis);
  return parallel;
}

// Every so many, so that they can be drawn at once.
function thinned(chosen) {
  const n = Math.min(chosen.length, MOST_DRAWN);
  return Array.from({ length: n }, (_, i) => chosen[Math.floor((i * chosen.length) / n)]);
}

function uprightAxis({ name, unit, axis }, k) {
  const { page, place, top, bottom, none, axes } = parallel, { g, width } = page, x = Math.round(place(k)) + 0.5;
  const room = Math.min(width - AXIS_ROOM, (width - AXIS_ROOM) / Math.max(1, axes.length - 1)) - 6;
  stroke(g, styled("--axis"), x, top, x, bottom);
  const range = state.ranges[name], rise = (v) => bottom - axis.of(v) * (bottom - top);
  if (range) {
    const [low, high] = range.map((v) => Math.max(top, Math.min(bottom, rise(v))));
    g.fillStyle = styled("--accent");
    g.globalAlpha = 0.3;
    g.fillRect(x - 7, high, 14, low - high);
    g.globalAlpha = 1;
    g.strokeStyle = styled("--accent");
    g.strokeRect(x - 7, high, 14, low - high);
  }
  const out = k && k === axes.length - 1 ? -1 : 1; // numbers of the last axis stand before it
  g.textAlign = out > 0 ? "left" : "right";
  g.textBaseline = "middle";
  const apart = (ticks) => ticks.every(([v], i) => !i || Math.abs(rise(v) - rise(ticks[i - 1][0])) > 16);
  for (const [v, text] of ticksOf(axis, 6, apart)) {
    const at = Math.round(rise(v)) + 0.5;
    stroke(g, styled("--axis"), x, at, x + 4 * out, at);
    haloed(g, clipped(g, text, Math.max(30, room - 12)), x + 7 * out, at, styled("--quiet"));
  }
  if (axisHasNone(k)) {
    stroke(g, styled("--axis"), x - 4, none, x + 4, none);
    haloed(g, "none", x + 7 * out, none, styled("--quiet"));
  }
  const own = k === 0 || k === axes.length - 1 ? AXIS_ROOM - 8 : room;
  g.textAlign = "center";
  haloed(g, clipped(g, name, own), x, 12, styled(name === state.variable ? "--ink" : "--quiet"), name === state.variable);
  if (unit) haloed(g, clipped(g, unit, own), x, 28, styled("--quiet"));
}

function axisHasNone(k) {
  const axis = parallel.axes[k];
  axis.none ??= sweep.variables.some((v) => v.name === axis.name && v.values.some((x) => x !== x || (axis.axis.log && x <= 0)));
  return axis.none;
}

function haloed(g, text, x, y, colour, bold = false) {
  g.font = bold ? `650 ${FONT}` : FONT;
  g.lineWidth = 3;
  g.strokeStyle = styled("--paper");
  g.strokeText(text, x, y);
  g.lineWidth = 1;
  g.fillStyle = colour;
  g.fillText(text, x, y);
  g.font = FONT;
}

function parallelHelp() {
  const { drawn, inside, done } = parallel, n = (x) => x.toLocaleString("en").replace(/,/g, "\u202f");
  const few = drawn.length < inside ? ` ${n(drawn.length)} of ${n(inside)} are drawn.` : "";
  document.getElementById("matching").textContent = marks.inside ? `${n(inside)} of ${n(done)} points in the ranges` : "";
  document.getElementById("parallel-help").textContent = `A line is a point, coloured by ${state.variable}. Draw along an axis to keep a range of it; click a line to choose its point.${few}`;
}

// Drawing a range, taking one away by a click on its axis, choosing a point by a click elsewhere.
function parallelPointer(canvas) {
  let begun = null;
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const value = (k, y) => parallel.axes[k].axis.at(Math.max(0, Math.min(1, (parallel.bottom - y) / (parallel.bottom - parallel.top))));
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = position(event), k = parallel.axes.findIndex((_, i) => Math.abs(parallel.place(i) - x) < 14);
    begun = { k, x, y };
    if (k >= 0) canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [, y] = position(event);
    if (!begun || begun.k < 0 || Math.abs(y - begun.y) < 4) return;
    state.ranges[parallel.axes[begun.k].name] = [value(begun.k, begun.y), value(begun.k, y)].sort((a, b) => a - b);
    changed();
  });
  canvas.addEventListener("pointerup", (event) => {
    const [x, y] = position(event), still = begun && Math.hypot(x - begun.x, y - begun.y) < 4;
    if (still && begun.k >= 0 && state.ranges[parallel.axes[begun.k].name]) {
      delete state.ranges[parallel.axes[begun.k].name];
      changed();
    } else if (still) {
      const point = lineUnder(x, y);
      if (point !== null) choose(placesOf(point));
    }
    begun = null;
  });
  canvas.addEventListener("pointercancel", () => (begun = null));
}

function lineUnder(x, y) {
  const { axes, place, rise, drawn } = parallel;
  const k = Math.max(0, Math.min(axes.length - 2, axes.findLastIndex((_, i) => place(i) <= x))), next = Math.min(k + 1, axes.length - 1);
  const share = next === k ? 0 : (x - place(k)) / (place(next) - place(k));
  let nearest = 9, found = null;
  for (const point of drawn) {
    const left = rise(k, axes[k].value(point)), right = rise(next, axes[next].value(point)), away = Math.abs(left + share * (right - left) - y);
    if (away < nearest) [nearest, found] = [away, point];
  }
  return found;
}
