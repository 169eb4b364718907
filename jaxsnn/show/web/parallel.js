// All points at once: an upright axis for every parameter and every result, a line for each point, coloured by the
// chosen result. A range drawn on an axis leaves out what is not in it, here and on the map.

const MOST_DRAWN = 3000;
const AXIS_ROOM = 96;
let parallel = null; // what was drawn last

function drawParallel() {
  const canvas = document.getElementById("parallel-canvas");
  const axes = parallel ? parallel.axes : uprightAxes();
  canvas.style.setProperty("--least", `${axes.length * AXIS_ROOM}px`);
  parallel = drawing(canvas, 330, dims, (page) => parallelOn(page, axes));
  const { g } = parallel.page;
  for (const [colour, width] of [
    [styled("--paper"), 5],
    [styled("--mark"), 2.2],
  ]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    parallel.line(pointAt(state.at));
  }
  g.lineWidth = 1;
}

function parallelOn(page, axes) {
  const { g, width, height: tall } = page;
  const top = 44;
  const bottom = tall - 34;
  const none = tall - 12;
  const edge = AXIS_ROOM / 2 - 4;
  const place = (k) => edge + (k * (width - 2 * edge)) / Math.max(1, axes.length - 1);
  const rise = (k, v) =>
    Number.isFinite(v) && !(axes[k].axis.log && v <= 0) ? bottom - axes[k].axis.of(v) * (bottom - top) : none;
  const done = [...Array(points).keys()].filter((point) => !marks.pending[point]);
  const inside = marks.inside ? done.filter((point) => marks.inside[point]) : done;
  const outside = marks.inside ? done.filter((point) => !marks.inside[point]) : [];
  const colours = colourScale(variableOf(state.variable).values);
  const values = variableOf(state.variable).values;
  const line = (point) => {
    g.beginPath();
    axes.forEach(({ value }, k) => g.lineTo(place(k), rise(k, value(point))));
    g.stroke();
  };
  parallel = {
    axes,
    page,
    place,
    rise,
    line,
    top,
    bottom,
    none,
    drawn: thinned(inside),
    inside: inside.length,
    done: done.length,
  };
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

function parallelHelp() {
  const { drawn, inside, done } = parallel;
  const n = (x) => x.toLocaleString("en").replace(/,/g, "\u202f");
  const few = drawn.length < inside ? ` ${n(drawn.length)} of ${n(inside)} are drawn.` : "";
  document.getElementById("matching").textContent = marks.inside
    ? `${n(inside)} of ${n(done)} points in the ranges`
    : "";
  document.getElementById("parallel-help").textContent =
    `A line is a point, coloured by ${state.variable}. ` +
    `Draw along an axis to keep a range of it; click a line to choose its point.${few}`;
}

// Drawing a range, taking one away by a click on its axis, choosing a point by a click elsewhere.
function parallelPointer(canvas) {
  let begun = null;
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const value = (k, y) =>
    parallel.axes[k].axis.at(Math.max(0, Math.min(1, (parallel.bottom - y) / (parallel.bottom - parallel.top))));
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = position(event);
    const k = parallel.axes.findIndex((_, i) => Math.abs(parallel.place(i) - x) < 14);
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
    const [x, y] = position(event);
    const still = begun && Math.hypot(x - begun.x, y - begun.y) < 4;
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
  const k = Math.max(
    0,
    Math.min(
      axes.length - 2,
      axes.findLastIndex((_, i) => place(i) <= x),
    ),
  );
  const next = Math.min(k + 1, axes.length - 1);
  const share = next === k ? 0 : (x - place(k)) / (place(next) - place(k));
  let nearest = 9;
  let found = null;
  for (const point of drawn) {
    const left = rise(k, axes[k].value(point));
    const right = rise(next, axes[next].value(point));
    const away = Math.abs(left + share * (right - left) - y);
    if (away < nearest) [nearest, found] = [away, point];
  }
  return found;
}
