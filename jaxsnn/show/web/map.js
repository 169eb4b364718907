// The map of the chosen result over two parameters: cells where both are axes of a grid, dots where points are listed.
// Dimensions on neither axis stand where the sliders are, or are gathered (seeds): mean, spread, lowest or highest.

const CLEAR = 0;
const VOID = 1;
const LOST = 2;
const PENDING = 3; // a place has a value, has none, failed, or has not run yet
let map = null; // what was drawn last

const gathered = (...except) => state.over.filter((dim) => !except.includes(dim));

function drawMap() {
  const canvas = document.getElementById("map-canvas");
  const height = Math.round(Math.max(260, Math.min(560, canvas.clientWidth * 0.66, window.innerHeight * 0.7)));
  map = drawing(canvas, height, [parameterOf(state.x).dim, parameterOf(state.y).dim], mapOn);
  outline();
  canvas.setAttribute("aria-label", `${mapTitle()}. ${mapText(selectedPlace())}`);
}

function mapOn(page) {
  const x = parameterOf(state.x);
  const y = parameterOf(state.y);
  const moving = [...new Set([x.dim, y.dim])];
  const cells = !x.listed && !y.listed && x.dim !== y.dim;
  const steps = offsets(gathered(...moving));
  const first = pointAt(state.at, [...moving, ...state.over]);
  const starts = offsets(moving).map((step) => first + step);
  const frame = framed(page, parameterAxis(x, cells), parameterAxis(y, cells), { right: BAR_ROOM });
  map = { page, x, y, moving, cells, steps, starts, frame, ...mapValues(starts, steps) };
  map.colours = colourScale(map.values);
  if (cells) {
    map.across = side(x, frame.x, frame.place);
    map.up = side(y, frame.y, frame.rise);
    drawCells();
    drawCrosses();
  } else {
    drawDots();
  }
  drawAxes(page, frame);
  drawBar();
  return map;
}

// The value and the kind of every place, whether something went wrong there, and whether the ranges leave it out.
function mapValues(starts, steps) {
  const n = starts.length;
  const variable = variableOf(state.variable).values;
  const values = new Float64Array(n);
  const kinds = new Uint8Array(n);
  const failed = new Uint8Array(n);
  const dimmed = new Uint8Array(n);
  starts.forEach((first, i) => {
    values[i] = statistic(variable, first, steps, state.statistic);
    failed[i] = steps.some((step) => marks.failed[first + step]);
    dimmed[i] = marks.inside !== null && !steps.some((step) => marks.inside[first + step]);
    if (values[i] !== values[i])
      kinds[i] = failed[i] ? LOST : steps.every((step) => marks.pending[first + step]) ? PENDING : VOID;
  });
  return { values, kinds, failed, dimmed };
}

function mapTitle() {
  const variable = variableOf(state.variable);
  const others = dims
    .filter((dim) => !map.moving.includes(dim))
    .map((dim) => {
      if (state.over.includes(dim)) {
        const plural = sweep.dims[dim] > 1 && !dim.endsWith("s") ? "s" : "";
        return `${STATISTICS[state.statistic]} of ${sweep.dims[dim]} ${dim}${plural}`;
      }
      return sweep.parameters
        .filter((p) => p.dim === dim)
        .map((p) => `${p.name} ${reading(p, state.at[dim], 5)}`)
        .join(", ");
    });
  return (
    [`${titled(variable)} over ${map.x.name} and ${map.y.name}`, ...others].join("; ") +
    (variable.note ? ` (${variable.note})` : "")
  );
}

// What is read at a place: its parameters, and the value.
function mapText(i) {
  const point = map.starts[i];
  const variable = variableOf(state.variable);
  const all = map.steps.length;
  const at = [...new Set([map.x, map.y])].map((p) => `${p.name} ${reading(p, placeOf(point, p.dim), 5)}`).join(", ");
  const n = statistic(variable.values, point, map.steps, "count");
  const unit = n && variable.unit ? ` ${variable.unit}` : "";
  const of = all > 1 && n ? ` (${STATISTICS[state.statistic]} of ${n === all ? n : `${n} of ${all}`})` : "";
  const kind = map.failed[i] ? "\nfailed" : map.kinds[i] === PENDING ? "\nnot run yet" : "";
  return `${at}\n${variable.name} ${short(map.values[i], 5)}${unit}${of}${kind}`;
}

// Which place of the map the chosen point is in.
const selectedPlace = () => map.starts.indexOf(pointAt(state.at, gathered(...map.moving)));

function outline() {
  const i = selectedPlace();
  const { g } = map.page;
  for (const [colour, width] of [
    ["#000", 4],
    ["#fff", 2],
  ]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    if (map.cells) {
      const { left, right, top, bottom } = cellBox(i);
      const wide = Math.max(6, right - left);
      const high = Math.max(6, bottom - top);
      g.strokeRect((left + right - wide) / 2, (top + bottom - high) / 2, wide, high);
    } else {
      g.beginPath();
      g.arc(...map.dots[i], Math.max(6, map.radius + 2), 0, 7);
      g.stroke();
    }
  }
  g.lineWidth = 1;
}

function mapHit(px, py) {
  const { box } = map.frame;
  const { x, y } = map;
  if (px < box.left || px > box.right || py < box.top || py > box.bottom) return null;
  let i = -1;
  if (map.cells) {
    const at = { ...state.at, [x.dim]: map.across.under(px), [y.dim]: map.up.under(py) };
    i = map.starts.indexOf(pointAt(at, gathered(...map.moving)));
  } else {
    let nearest = 15 ** 2;
    map.dots.forEach(([left, top], k) => {
      const away = (left - px) ** 2 + (top - py) ** 2;
      if (away < nearest && map.kinds[k] !== PENDING) [nearest, i] = [away, k];
    });
  }
  if (i < 0) return null;
  const places = placesOf(map.starts[i]);
  return { text: mapText(i), at: Object.fromEntries(map.moving.map((dim) => [dim, places[dim]])) };
}

// With the arrow keys: the next value of the axis, or the nearest dot in that direction.
function mapStep(right, up) {
  if (map.cells) {
    const parameter = right ? map.x : map.y;
    const along = right ? map.across : map.up;
    const rank = along.rank[state.at[parameter.dim]] + right + up;
    return rank in along.order ? { [parameter.dim]: along.order[rank] } : null;
  }
  const own = map.dots[selectedPlace()];
  let nearest = Infinity;
  let found = null;
  map.dots.forEach(([left, top], k) => {
    const ahead = (left - own[0]) * right - (top - own[1]) * up;
    const aside = Math.abs((left - own[0]) * up) + Math.abs((top - own[1]) * right);
    const away = ahead + 3 * aside;
    if (ahead > 0.5 && away < nearest && map.kinds[k] !== PENDING) [nearest, found] = [away, k];
  });
  if (found === null) return null;
  const places = placesOf(map.starts[found]);
  return Object.fromEntries(map.moving.map((dim) => [dim, places[dim]]));
}
