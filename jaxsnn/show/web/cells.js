// The cells of a map: a colour each, a hatching where there is no value, a cross where something went wrong.

// One side of the map: places in order of their values, the rank of each place, the edges between them, and pixels.
function side(parameter, axis, pixel) {
  const to = axis.log ? Math.log : (v) => v;
  const from = axis.log ? Math.exp : (v) => v;
  const { places } = parameter;
  const order = [...places.keys()].sort((a, b) => places[a] - places[b]);
  const rank = new Int32Array(order.length);
  order.forEach((place, i) => (rank[place] = i));
  const between = order.slice(1).map((place, i) => from((to(places[order[i]]) + to(places[place])) / 2));
  const ends = [axis.low, ...between, axis.high].map(pixel);
  const way = Math.sign(ends[ends.length - 1] - ends[0]);
  const under = (at) =>
    order[Math.max(0, Math.min(order.length - 1, ends.findIndex((end) => (end - at) * way > 0) - 1))];
  return { order, rank, ends, under };
}

function drawCells() {
  const { page, frame, x, y, colours, values, kinds, dimmed } = map;
  const { ratio } = page;
  const [left, top, right, bottom] = ["left", "top", "right", "bottom"].map((end) =>
    Math.round(frame.box[end] * ratio),
  );
  const wide = right - left;
  const high = bottom - top;
  if (wide < 1 || high < 1) return;
  const columns = Array.from({ length: wide }, (_, i) => map.across.under((left + i + 0.5) / ratio));
  const rows = Array.from({ length: high }, (_, i) => map.up.under((top + i + 0.5) / ratio));
  const paper = channels(styled("--paper"));
  const under = channels(styled("--under"));
  const ground = channels(styled("--void"));
  const lines = { [VOID]: channels(styled("--void-line")), [LOST]: channels(styled("--mark")) };
  const painted = Array.from(values, (v, i) => {
    const colour =
      kinds[i] === PENDING ? paper : kinds[i] ? ground : v <= 0 && colours.log ? under : level(colours.of(v));
    return dimmed[i] ? mixed(colour, paper, 0.82) : colour;
  });
  const image = page.g.createImageData(wide, high);
  const data = image.data;
  const outer = map.moving[0] === x.dim ? sweep.dims[y.dim] : 1; // from column to column
  const inner = map.moving[0] === x.dim ? 1 : sweep.dims[x.dim];
  const period = Math.round(7 * ratio);
  const thick = Math.max(1, Math.round(1.1 * ratio));
  for (let row = 0, k = 0; row < high; row++) {
    for (let column = 0; column < wide; column++, k += 4) {
      const i = columns[column] * outer + rows[row] * inner;
      const line = lines[kinds[i]];
      const colour = line && (column + row) % period < thick ? line : painted[i];
      data[k] = colour[0];
      data[k + 1] = colour[1];
      data[k + 2] = colour[2];
      data[k + 3] = 255;
    }
  }
  page.g.putImageData(image, left, top);
}

// A place of the map as a rectangle.
function cellBox(i) {
  const ends = ({ rank, ends }, parameter) => {
    const at = rank[placeOf(map.starts[i], parameter.dim)];
    return [ends[at], ends[at + 1]].sort((a, b) => a - b);
  };
  const [left, right] = ends(map.across, map.x);
  const [top, bottom] = ends(map.up, map.y);
  return { left, right, top, bottom };
}

function drawCrosses() {
  for (let i = 0, drawn = 0; i < map.failed.length && drawn < 500; i++) {
    if (!map.failed[i]) continue;
    const { left, right, top, bottom } = cellBox(i);
    const size = Math.min(right - left, bottom - top) / 4;
    cross(map.page.g, (left + right) / 2, (top + bottom) / 2, Math.max(2.2, Math.min(5, size)));
    drawn += 1;
  }
}
