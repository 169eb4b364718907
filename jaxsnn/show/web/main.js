// What is chosen, kept in the address of the page so that a reload or a bookmark shows the same; redrawing; the start.

const STATISTICS = { mean: "mean", sd: "standard deviation", lowest: "lowest", highest: "highest" };
const marks = { failed: new Uint8Array(points), pending: new Uint8Array(points), troubles: new Map(), inside: null };
const state = {
  variable: "",
  x: "",
  y: "",
  along: "",
  each: "",
  at: {},
  over: [],
  statistic: "mean",
  scale: "auto",
  range: "all",
  low: null,
  high: null,
  ranges: {},
};

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

const mapped = () => varying().filter((p) => !p.repeats).length > 1; // along one parameter, lines say all
const varying = () => sweep.parameters.filter((p) => sweep.dims[p.dim] > 1);

function begin() {
  for (const point of sweep.pending) marks.pending[point] = 1;
  sweep.troubles.forEach((trouble, i) => {
    for (const point of trouble.points) {
      marks.failed[point] = 1;
      marks.troubles.set(point, [...(marks.troubles.get(point) ?? []), i]);
    }
  });
  const axes = [...varying()].sort((a, b) => a.repeats - b.repeats);
  const [x, y] = axes;
  const differing = sweep.variables.filter((v) => v.values.some((x) => x === x && x !== v.values[0]));
  const first = differing.find((v) => !v.note) ?? differing[0] ?? sweep.variables[0];
  Object.assign(state, { variable: first.name, x: x?.name ?? "", y: y?.name ?? "", along: x?.name ?? "" });
  for (const dim of dims)
    state.at[dim] = sweep.parameters.some((p) => p.dim === dim && p.listed) ? 0 : Math.floor((sweep.dims[dim] - 1) / 2);
  state.over = [
    ...new Set(
      varying()
        .filter((p) => p.repeats && axes.length > 1)
        .map((p) => p.dim),
    ),
  ];
  for (const dim of state.over) state.at[dim] = 0;
  restore();
}

// From the address; whatever does not fit this sweep (any more) is left as it is.
function restore() {
  let kept = {};
  try {
    kept = JSON.parse(decodeURIComponent(location.hash.slice(1) || "{}"));
  } catch {
    return;
  }
  const names = varying().map((p) => p.name);
  const results = sweep.variables.map((v) => v.name);
  const fits = {
    variable: (v) => results.includes(v),
    x: (v) => names.includes(v),
    y: (v) => names.includes(v),
    along: (v) => names.includes(v),
    each: (v) => v === "" || names.includes(v),
    statistic: (v) => v in STATISTICS,
    scale: (v) => ["auto", "linear", "log"].includes(v),
    range: (v) => ["all", "map", "middle"].includes(v),
    low: Number.isFinite,
    high: Number.isFinite,
    over: (v) => Array.isArray(v) && v.every((dim) => dims.includes(dim)),
    ranges: (v) =>
      Object.entries(v).every(([name, ends]) => [...names, ...results].includes(name) && ends.length === 2),
    at: (v) => dims.every((dim) => Number.isInteger(v[dim]) && v[dim] >= 0 && v[dim] < sweep.dims[dim]),
  };
  for (const [name, fit] of Object.entries(fits)) if (kept[name] != null && fit(kept[name])) state[name] = kept[name];
  for (const ends of Object.values(state.ranges)) {
    ends[0] ??= -Infinity; // which JSON does not have
    ends[1] ??= Infinity;
  }
}

// Soon, as browsers refuse to change an address often.
let later = 0;
function remember() {
  clearTimeout(later);
  later = setTimeout(() => history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`), 400);
}

// --- redrawing -------------------------------------------------------------------------------------------------------

let waiting = false;
function changed(given = {}) {
  Object.assign(state, given);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    redraw();
  });
}

const choose = (at) => changed({ at: { ...state.at, ...at } });

function redraw() {
  marks.inside = insideRanges();
  writeControls();
  if (mapped()) {
    drawMap();
    document.getElementById("map-title").textContent = mapTitle();
    writeKey();
  }
  if (varying().length > 0) {
    drawLines();
    document.getElementById("lines-title").textContent = linesTitle();
    document.getElementById("lines-help").textContent = linesHelp();
    drawParallel();
    parallelHelp();
    writeRanges();
  }
  writePoint();
  remember();
}

// --- the start -------------------------------------------------------------------------------------------------------

function watch() {
  document.getElementById("live").textContent = ` · running, read again every ${sweep.refresh} s`;
  const again = () =>
    document.activeElement?.matches("select, input:not([type=range])") ? setTimeout(again, 1000) : location.reload();
  setTimeout(again, 1000 * sweep.refresh);
}

try {
  await unpackAll();
  begin();
  document.querySelector("main").hidden = false;
  const n = varying().length;
  document.getElementById("map").hidden = !mapped();
  for (const id of ["lines", "parallel"]) document.getElementById(id).hidden = n < 1;
  document.getElementById("point-title").textContent = n ? "Chosen point" : "Results";
  for (const id of ["range-label", "limits"]) document.getElementById(id).hidden = !mapped();
  document.getElementById("controls").hidden = n < 1;
  buildControls();
  buildSliders();
  writeFailed();
  writeWhole();
  redraw();
  new ResizeObserver(() => changed()).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed());
  addEventListener("hashchange", () => (restore(), changed()));
  if (sweep.refresh) watch();
} catch (error) {
  const box = document.getElementById("trouble");
  box.hidden = false;
  box.textContent =
    typeof DecompressionStream === "undefined"
      ? "This browser is too old for the page: it needs Chrome or Edge 103, Firefox 113 or Safari 16.4, or a later one."
      : `The page could not be drawn: ${error.message}`;
  throw error;
}
