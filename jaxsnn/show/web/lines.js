// The chosen result along one parameter, through the chosen point: the mean of what is gathered (seeds) as a line, from
// the lowest to the highest as a band; or a line for each value of another parameter. Listed points are dots.

let lines = null; // what was drawn last

function drawLines() {
  const canvas = document.getElementById("lines-canvas");
  lines = drawing(
    canvas,
    Math.round(Math.max(230, Math.min(340, canvas.clientWidth * 0.5))),
    [parameterOf(state.along).dim],
    linesOn,
  );
  drawHere();
  canvas.setAttribute("aria-label", linesTitle());
}

function linesOn(page) {
  const along = parameterOf(state.along);
  const each = state.each ? parameterOf(state.each) : null;
  const steps = offsets(gathered(along.dim, each ? each.dim : null));
  const curves = curvesOf(along, each, steps);
  const shown = curves.flatMap(({ means, lows, highs, label }) =>
    label === null ? [...means, ...lows, ...highs] : [...means],
  );
  const variable = variableOf(state.variable);
  const log = logarithmic();
  const labels = Math.min(
    120,
    Math.max(0, ...curves.map(({ label }) => (label === null ? 0 : page.g.measureText(label).width + 14))),
  );
  const frame = framed(page, parameterAxis(along, false), valueAxis(titled(variable), shown, log), {
    right: 14 + labels,
  });
  lines = { page, along, frame, curves, steps };
  drawAxes(page, frame, { grid: true });
  curves.forEach(drawCurve);
  directLabels();
  return lines;
}

// Where the chosen point is: a line across, and a ring on its curve.
function drawHere() {
  const { page, along, frame, curves } = lines;
  const { g } = page;
  const { box } = frame;
  const { colour, order, means } = curves.find(({ chosen }) => chosen);
  const place = state.at[along.dim];
  const x = frame.place(along.places[place]);
  const v = means[order.indexOf(place)];
  g.setLineDash([3, 3]);
  stroke(g, styled("--axis"), Math.round(x) + 0.5, box.top, Math.round(x) + 0.5, box.bottom);
  g.setLineDash([]);
  if (!Number.isFinite(v) || (logarithmic() && v <= 0)) return;
  g.fillStyle = styled("--paper");
  g.strokeStyle = along.listed ? styled("--ink") : colour;
  g.lineWidth = 2;
  g.beginPath();
  g.arc(x, frame.rise(v), 4.5, 0, 7);
  g.fill();
  g.stroke();
  g.lineWidth = 1;
}

function linesTitle() {
  const { along } = lines;
  const variable = variableOf(state.variable);
  const each = state.each ? parameterOf(state.each) : null;
  return `${variable.name} along ${along.name}${each ? `, a line for each ${each.name}` : ""}`;
}

function linesHelp() {
  const { along, steps } = lines;
  const each = state.each ? parameterOf(state.each) : null;
  const others = dims.filter((dim) => dim !== along.dim && dim !== each?.dim && !state.over.includes(dim));
  const fixed = others.flatMap((dim) =>
    sweep.parameters.filter((p) => p.dim === dim).map((p) => `${p.name} ${reading(p, state.at[dim], 5)}`),
  );
  const over =
    steps.length > 1 && !along.listed
      ? each
        ? `Means of ${steps.length}`
        : `Line: mean of ${steps.length}; band: lowest to highest`
      : "";
  const sentence = [over, fixed.length ? `at ${fixed.join(", ")}` : ""].filter(Boolean).join(", ");
  return sentence ? `${sentence[0].toUpperCase()}${sentence.slice(1)}.` : "";
}

function linesHit(px, py) {
  const { frame, along, curves, steps } = lines;
  const { box } = frame;
  if (px < box.left - 8 || px > box.right + 8 || py < box.top - 8 || py > box.bottom + 8) return null;
  let nearest = Infinity;
  let found = null;
  for (const curve of curves) {
    curve.means.forEach((v, i) => {
      if (!Number.isFinite(v)) return;
      const dx = frame.place(along.places[curve.order[i]]) - px;
      const dy = frame.rise(v) - py;
      const away = dx * dx * (along.listed ? 1 : 4) + dy * dy;
      if (away < nearest) [nearest, found] = [away, { curve, i }];
    });
  }
  if (!found) return null;
  const { curve, i } = found;
  const variable = variableOf(state.variable);
  const unit = variable.unit ? ` ${variable.unit}` : "";
  const places = placesOf(curve.starts[i]);
  const each = state.each ? parameterOf(state.each) : null;
  const at = [along, each]
    .filter(Boolean)
    .map((p) => `${p.name} ${reading(p, places[p.dim], 5)}`)
    .join(", ");
  const spread = steps.length > 1 ? ` (${short(curve.lows[i])} to ${short(curve.highs[i])})` : "";
  return {
    text: `${at}\n${variable.name} ${short(curve.means[i], 5)}${unit}${spread}`,
    at: Object.fromEntries([along, each].filter(Boolean).map((p) => [p.dim, places[p.dim]])),
  };
}
