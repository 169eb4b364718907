// What colours mean: the bar beside the map, with its numbers, and a key below for everything that is no number.

const BAR_ROOM = 84;

function drawBar() {
  const { page, frame, colours, values } = map;
  const { g, width } = page;
  const { top, bottom } = frame.box;
  const left = width - BAR_ROOM + 16;
  const high = bottom - top;
  const rise = (v) => bottom - colours.of(v) * high;
  for (let i = 0; i < high; i++) {
    g.fillStyle = css(level(1 - (i + 0.5) / high));
    g.fillRect(left, top + i, 14, 1);
  }
  g.strokeStyle = styled("--axis");
  g.strokeRect(left + 0.5, top + 0.5, 13, high - 1);
  let [lowest, highest] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < lowest && (!colours.log || v > 0)) lowest = v;
    if (v > highest) highest = v;
  }
  const slack = 1e-6 * Math.abs(colours.high - colours.low);
  if (highest > colours.high + slack) pointer(g, left, top - 1, -8, level(1)); // colours end before the numbers do
  if (lowest < colours.low - slack) pointer(g, left, bottom + 1, 8, level(0));
  const apart = (ticks) => ticks.every(([v], i) => !i || Math.abs(rise(v) - rise(ticks[i - 1][0])) > 15);
  g.textAlign = "left";
  g.textBaseline = "middle";
  for (const [v, text] of ticksOf(colours, Math.max(2, Math.floor(high / 36)), apart)) {
    const at = Math.round(rise(v)) + 0.5;
    if (at < top - 1 || at > bottom + 1) continue;
    stroke(g, styled("--axis"), left + 14, at, left + 18, at);
    g.fillStyle = styled("--quiet");
    g.fillText(clipped(g, text, BAR_ROOM - 38), left + 21, at);
  }
}

function pointer(g, left, at, size, colour) {
  g.fillStyle = css(colour);
  g.strokeStyle = styled("--axis");
  g.beginPath();
  g.moveTo(left + 0.5, at);
  g.lineTo(left + 13.5, at);
  g.lineTo(left + 7, at + size);
  g.closePath();
  g.fill();
  g.stroke();
}

function writeKey() {
  const there = (kind) => map.kinds.includes(kind);
  const { values, colours } = map;
  const entries = [
    [map.cells ? "void" : "ring", "no value (NaN)", there(VOID)],
    ["lost", "failed, no value", there(LOST) && map.cells],
    ["failed", "failed", map.failed.includes(1)],
    ["pending", "not run yet", there(PENDING) && map.cells],
    ["under", "0 or below, on a logarithmic scale", colours.log && values.some((v) => v <= 0)],
    ["dimmed", "outside the ranges chosen below", map.dimmed.includes(1)],
  ];
  document
    .getElementById("key")
    .replaceChildren(
      ...entries.filter(([, , shown]) => shown).map(([kind, text]) => element("span", { className: kind }, text)),
    );
}
