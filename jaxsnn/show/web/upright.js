// The upright axes of the parallel coordinates: one for every parameter and every result.

function uprightAxes() {
  const own = sweep.parameters
    .filter((p) => sweep.dims[p.dim] > 1)
    .map((p) => ({
      name: p.name,
      unit: p.unit,
      axis: parameterAxis(p, false),
      value: (point) => p.places[placeOf(point, p.dim)],
    }));
  const results = sweep.variables.map((v) => ({
    name: v.name,
    unit: v.unit,
    axis: valueAxis("", v.values, v.log, 0.02),
    value: (point) => v.values[point],
  }));
  return [...own, ...results];
}

function uprightAxis({ name, unit, axis }, k) {
  const { page, place, top, bottom, none, axes } = parallel;
  const { g, width } = page;
  const x = Math.round(place(k)) + 0.5;
  const room = Math.min(width - AXIS_ROOM, (width - AXIS_ROOM) / Math.max(1, axes.length - 1)) - 6;
  stroke(g, styled("--axis"), x, top, x, bottom);
  const range = state.ranges[name];
  const rise = (v) => bottom - axis.of(v) * (bottom - top);
  if (range) {
    const [low, high] = range.map((v) => rise(Math.max(axis.low, Math.min(axis.high, v))));
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
  haloed(
    g,
    clipped(g, name, own),
    x,
    12,
    styled(name === state.variable ? "--ink" : "--quiet"),
    name === state.variable,
  );
  if (unit) haloed(g, clipped(g, unit, own), x, 28, styled("--quiet"));
}

function axisHasNone(k) {
  const axis = parallel.axes[k];
  axis.none ??= sweep.variables.some(
    (v) => v.name === axis.name && v.values.some((x, i) => !marks.pending[i] && (x !== x || (axis.axis.log && x <= 0))),
  );
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
