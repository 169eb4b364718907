// A map of listed points: a dot each.

function drawDots() {
  const { page, frame, x, y, values, kinds, failed, dimmed, colours } = map;
  const { g } = page;
  map.radius = Math.max(1.4, Math.min(7, 150 / Math.sqrt(values.length)));
  map.dots = map.starts.map((point) => [
    frame.place(x.places[placeOf(point, x.dim)]),
    frame.rise(y.places[placeOf(point, y.dim)]),
  ]);
  const order = [...map.dots.keys()].sort((a, b) => dimmed[b] - dimmed[a]);
  for (const i of order) {
    const [left, top] = map.dots[i];
    if (kinds[i] === PENDING) continue;
    g.globalAlpha = dimmed[i] ? 0.12 : 1;
    if (kinds[i] === CLEAR) {
      g.fillStyle = values[i] <= 0 && colours.log ? styled("--under") : css(level(colours.of(values[i])));
      dot(g, left, top, map.radius);
    } else if (!failed[i]) {
      g.strokeStyle = styled("--axis");
      g.beginPath();
      g.arc(left, top, Math.max(2, map.radius - 0.5), 0, 7);
      g.stroke();
    }
    if (failed[i]) cross(g, left, top, Math.max(2.5, map.radius * 0.6));
  }
  g.globalAlpha = 1;
}

function dot(g, x, y, radius) {
  if (radius < 2.2) return g.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  g.beginPath();
  g.arc(x, y, radius, 0, 7);
  g.fill();
}

function cross(g, x, y, size) {
  for (const [colour, width] of [
    [styled("--paper"), 3.6],
    [styled("--mark"), 1.8],
  ]) {
    g.lineWidth = width;
    stroke(g, colour, x - size, y - size, x + size, y + size);
    stroke(g, colour, x - size, y + size, x + size, y - size);
  }
  g.lineWidth = 1;
}
