// Drawing: a sheet as sharp as the screen, axes whose texts do not collide, and what is read under the pointer.

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

// A canvas of a height in CSS pixels and the width that it has, empty.
function sheet(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.font = FONT;
  return { g, width, height, ratio };
}

// What was drawn on a canvas stays, and what it was made of is returned again, until something changes on which it
// depends: everything that is chosen but for the places along the dimensions `free`, the size, and light or dark.
const drawings = new Map();
function drawing(canvas, height, free, draw) {
  const page = sheet(canvas, height);
  const at = dims.map((dim) => (free.includes(dim) ? null : state.at[dim]));
  const key = JSON.stringify([state, at, canvas.width, canvas.height, dark()], (name, value) =>
    value === state.at ? undefined : value,
  );
  const last = drawings.get(canvas);
  if (last?.key === key) {
    page.g.drawImage(last.image, 0, 0, page.width, page.height);
    return last.made;
  }
  const made = draw(page);
  const image = new OffscreenCanvas(canvas.width, canvas.height);
  image.getContext("2d").drawImage(canvas, 0, 0);
  drawings.set(canvas, { key, image, made });
  return made;
}

const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// Axes around the room that their texts leave on a sheet: the box, and pixels of values. `right` is kept free.
function framed({ g, width, height }, x, y, { right = 14, top = 10 } = {}) {
  const bottom = height - 42;
  const tall = (ticks) =>
    ticks.every(([v], i) => !i || Math.abs(y.of(v) - y.of(ticks[i - 1][0])) * (bottom - top) > 15);
  const upward = ticksOf(y, Math.max(3, Math.floor((bottom - top) / 36)), tall);
  const widest = Math.max(...upward.map(([, text]) => g.measureText(clipped(g, text, width * 0.3)).width), 8);
  const box = { left: Math.ceil(widest) + 30, right: width - right, top, bottom };
  const place = (v) => box.left + x.of(v) * (box.right - box.left);
  const rise = (v) => box.bottom - y.of(v) * (box.bottom - box.top);
  const apart = (ticks) =>
    ticks.every(
      ([v, text], i) =>
        !i ||
        place(v) - place(ticks[i - 1][0]) > (g.measureText(text).width + g.measureText(ticks[i - 1][1]).width) / 2 + 9,
    );
  const across = ticksOf(x, Math.max(2, Math.floor((box.right - box.left) / 60)), apart);
  return { box, place, rise, across, upward, x, y };
}

function drawAxes({ g, width }, { box, place, rise, across, upward, x, y }, { grid = false } = {}) {
  g.lineWidth = 1;
  g.textBaseline = "middle";
  g.textAlign = "right";
  for (const [v, text] of upward) {
    const at = Math.round(rise(v)) + 0.5;
    if (grid) stroke(g, styled("--line"), box.left, at, box.right, at);
    stroke(g, styled("--axis"), box.left - 4, at, box.left, at);
    g.fillStyle = styled("--quiet");
    g.fillText(clipped(g, text, width * 0.3), box.left - 7, at);
  }
  g.textBaseline = "top";
  g.textAlign = "center";
  for (const [v, text] of across) {
    const at = Math.round(place(v)) + 0.5;
    const half = g.measureText(text).width / 2;
    stroke(g, styled("--axis"), at, box.bottom, at, box.bottom + 4);
    g.fillStyle = styled("--quiet");
    g.fillText(text, Math.max(half, Math.min(width - half, at)), box.bottom + 7);
  }
  g.strokeStyle = styled("--axis");
  g.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left - 1, box.bottom - box.top - 1);
  g.fillStyle = styled("--ink");
  g.fillText(clipped(g, x.label, box.right - box.left), (box.left + box.right) / 2, box.bottom + 25);
  sideways(g, clipped(g, y.label, box.bottom - box.top), 9, (box.top + box.bottom) / 2);
}

function sideways(g, text, x, y) {
  g.save();
  g.translate(x, y);
  g.rotate(-Math.PI / 2);
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillStyle = styled("--ink");
  g.fillText(text, 0, 0);
  g.restore();
}

function stroke(g, colour, x0, y0, x1, y1) {
  g.strokeStyle = colour;
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
}

function clipped(g, text, room) {
  if (g.measureText(text).width <= room) return text;
  let n = text.length;
  while (n > 1 && g.measureText(`${text.slice(0, n)}…`).width > room) n--;
  return `${text.slice(0, n)}…`;
}

// A text at the pointer, inside the figure. `null` takes it away.
function tip(canvas, text, x, y) {
  const box = canvas.parentElement.querySelector(".tip");
  box.hidden = text === null;
  if (text === null) return;
  box.textContent = text;
  const right = canvas.clientWidth - box.offsetWidth;
  box.style.left = `${Math.max(0, Math.min(right, x + 14))}px`;
  box.style.top = `${y + 16 + box.offsetHeight > canvas.clientHeight ? y - box.offsetHeight - 10 : y + 16}px`;
}

// `found(x, y)` under the pointer is `{text, at}` or null; a click takes the places `at`.
function readable(canvas, found) {
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = position(event);
    const hit = found(x, y);
    tip(canvas, hit ? hit.text : null, x, y);
    canvas.style.cursor = hit ? "pointer" : "default";
  });
  canvas.addEventListener("pointerleave", () => tip(canvas, null));
  canvas.addEventListener("click", (event) => {
    const hit = found(...position(event));
    if (hit) choose(hit.at);
  });
}
