// Colours of numbers. The map is viridis (N. Smith and S. van der Walt, public domain as CC0), perceptually uniform and
// readable without colour vision: 33 of its 256 colours, and between them straight lines in sRGB.

const VIRIDIS =
  "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f978b" +
  "1f9f8821a68527ad8131b57b3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725";
const LEVELS = Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * 32;
  const before = Math.min(31, Math.floor(place));
  const channel = (n, c) => parseInt(VIRIDIS.substr(6 * n + 2 * c, 2), 16);
  return [0, 1, 2].map((c) =>
    Math.round(channel(before, c) + (place - before) * (channel(before + 1, c) - channel(before, c))),
  );
});

const DECADES = 1e4; // below the highest, which logarithmic colours cover by themselves

const level = (share) => LEVELS[Math.max(0, Math.min(255, Math.round(share * 255)))];
const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

// A colour of the style, such as "--ink"; and its three numbers.
const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mixed = (a, b, share) => a.map((x, i) => Math.round(x + (b[i] - x) * share));

// From what to what the colours of the chosen result go. Without numbers of the user's own: over all points, over what
// the map shows, or over the middle 98 % of all points.
function colourScale(shown) {
  const variable = variableOf(state.variable);
  const log = logarithmic();
  const deviation = state.over.length > 0 && state.statistic === "sd";
  const base = state.range === "map" || deviation ? shown : variable.values;
  let [low, high] = extent(base, log, state.range === "middle" ? 0.01 : 0);
  if (log) low = Math.max(low, high / DECADES);
  const automatic = [low, high];
  if (state.low !== null && (!log || state.low > 0)) low = state.low;
  if (state.high !== null && (!log || state.high > 0)) high = state.high;
  if (!(high > low)) high = log ? low * 1.1 : low + (Math.abs(low) * 0.1 || 1);
  const axis = axisOf(titled(variable), low, high, { log });
  return { ...axis, automatic, share: (x) => (log && x <= 0 ? -1 : axis.of(x)) };
}

function logarithmic() {
  const variable = variableOf(state.variable);
  return state.scale === "log" || (state.scale === "auto" && variable.log);
}

const extents = new Map(); // of whole results, which do not change
function extent(values, log, cut) {
  const known = extents.get(values)?.[`${log} ${cut}`];
  if (known) return known;
  const good = (x) => Number.isFinite(x) && (!log || x > 0);
  let low = Infinity;
  let high = -Infinity;
  if (cut) {
    const sorted = Float64Array.from(values).filter(good).sort();
    if (sorted.length)
      [low, high] = [sorted[Math.floor(cut * (sorted.length - 1))], sorted[Math.ceil((1 - cut) * (sorted.length - 1))]];
  } else {
    for (const x of values) {
      if (!good(x)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
  }
  const found = low <= high ? [low, high] : log ? [1, 10] : [0, 1];
  if (sweep.variables.some((variable) => variable.values === values)) {
    extents.set(values, { ...extents.get(values), [`${log} ${cut}`]: found });
  }
  return found;
}
