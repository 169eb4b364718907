// The curves of the line plot: from the numbers, on the sheet, and their names beside them.

const MOST_LINES = 9;

// Along the parameter, in the order of its values: points, and mean, lowest and highest at each.
function curvesOf(along, each, steps) {
  const order = [...along.places.keys()].sort((a, b) => along.places[a] - along.places[b]);
  const values = variableOf(state.variable).values;
  const curve = (at, label, colour, chosen) => {
    const first = pointAt(at, [along.dim, ...gathered(along.dim, each ? each.dim : null)]);
    const starts = order.map((place) => first + place * stride[along.dim]);
    const of = (which) => starts.map((start) => statistic(values, start, steps, which));
    return { order, starts, label, colour, chosen, means: of("mean"), lows: of("lowest"), highs: of("highest") };
  };
  if (!each) return [curve(state.at, null, styled("--accent"), true)];
  const picked = evenlyPicked(sweep.dims[each.dim], state.at[each.dim]);
  const ranked = picked.sort((a, b) => each.places[a] - each.places[b]);
  return ranked.map((place, i) => {
    const share = ranked.length > 1 ? i / (ranked.length - 1) : 0.5;
    const colour = css(level(dark() ? 0.25 + 0.75 * share : 0.88 * share));
    return curve({ ...state.at, [each.dim]: place }, reading(each, place, 4), colour, place === state.at[each.dim]);
  });
}

// At most so many of n places, evenly, with the chosen one among them.
function evenlyPicked(n, chosen) {
  const count = Math.min(n, MOST_LINES);
  const found = Array.from({ length: count }, (_, i) => Math.round((i * (n - 1)) / Math.max(1, count - 1)));
  const nearest = found.reduce((a, b) => (Math.abs(b - chosen) < Math.abs(a - chosen) ? b : a));
  return [...new Set(found.map((place) => (place === nearest ? chosen : place)))];
}

function drawCurve({ order, means, lows, highs, starts, colour, chosen, label }) {
  const { frame, along, steps, page } = lines;
  const { g } = page;
  const log = logarithmic();
  const seen = (v) => Number.isFinite(v) && (!log || v > 0);
  const x = (i) => frame.place(along.places[order[i]]);
  const y = (v) => frame.rise(v);
  const values = variableOf(state.variable).values;
  const every = along.listed ? [] : stretches(means, seen);
  if (label === null && steps.length > 1 && !along.listed) {
    g.fillStyle = g.strokeStyle = colour;
    for (const [from, to] of stretches(lows, seen)) {
      g.globalAlpha = 0.18;
      g.beginPath();
      for (let i = from; i <= to; i++) g.lineTo(x(i), y(highs[i]));
      for (let i = to; i >= from; i--) g.lineTo(x(i), y(lows[i]));
      g.fill();
    }
    g.globalAlpha = 0.55;
    if (steps.length * means.length <= 4000)
      starts.forEach((start, i) =>
        steps.forEach((step) => seen(values[start + step]) && dot(g, x(i), y(values[start + step]), 1.6)),
      );
    g.globalAlpha = 1;
  }
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = chosen ? 2.2 : 1.3;
  g.lineJoin = "round";
  for (const [from, to] of every) {
    g.beginPath();
    for (let i = from; i <= to; i++) g.lineTo(x(i), y(means[i]));
    g.stroke();
    if (from === to) dot(g, x(from), y(means[from]), 2.4);
  }
  g.lineWidth = 1;
  if (along.listed) {
    g.globalAlpha = Math.max(0.15, Math.min(0.8, 60 / Math.sqrt(means.length)));
    means.forEach((v, i) => seen(v) && dot(g, x(i), y(v), Math.max(1.2, Math.min(3.5, 70 / Math.sqrt(means.length)))));
    g.globalAlpha = 1;
  }
}

// Runs of places that have a value: `[first, last]` each.
function stretches(values, seen) {
  const found = [];
  values.forEach((v, i) => {
    if (!seen(v)) return;
    if (found.length && found[found.length - 1][1] === i - 1) found[found.length - 1][1] = i;
    else found.push([i, i]);
  });
  return found;
}

// The value of each line at its right end, pushed apart where they would touch.
function directLabels() {
  const { curves, frame, page } = lines;
  const { g } = page;
  const { box } = frame;
  const ends = curves
    .filter(({ label }) => label !== null)
    .map((curve) => {
      const last = curve.means.findLast((v) => Number.isFinite(v) && (!logarithmic() || v > 0));
      return last === undefined ? null : { curve, y: frame.rise(last) };
    })
    .filter((end) => end !== null)
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 14);
  for (let i = ends.length - 1; i >= 0; i--)
    ends[i].y = Math.min(ends[i].y, i === ends.length - 1 ? box.bottom - 4 : ends[i + 1].y - 14);
  g.textAlign = "left";
  g.textBaseline = "middle";
  for (const { curve, y } of ends) {
    g.fillStyle = curve.colour;
    g.fillRect(box.right + 6, y - 1.5, 9, curve.chosen ? 4 : 2.5);
    g.fillStyle = curve.chosen ? styled("--ink") : styled("--quiet");
    g.fillText(clipped(g, curve.label, 104), box.right + 19, y);
  }
}
