(() => {
  // every text that is on a canvas now, and where
  const texts = new Map();
  const at = CanvasRenderingContext2D.prototype;
  const fill = at.fillText;
  const image = at.drawImage;
  const width = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, "width");
  Object.defineProperty(HTMLCanvasElement.prototype, "width", {
    ...width,
    set(x) {
      texts.set(this, []);
      width.set.call(this, x);
    },
  });
  const kept = new Map();
  at.fillText = function (text, x, y) {
    const size = this.measureText(text);
    const wide = size.width;
    const ratio = devicePixelRatio;
    const left = { left: x, center: x - wide / 2, right: x - wide }[this.textAlign] ?? x;
    const top = y - size.actualBoundingBoxAscent;
    const high = size.actualBoundingBoxAscent + size.actualBoundingBoxDescent;
    const ends = [
      [left, top],
      [left + wide, top + high],
    ].map(([a, b]) => this.getTransform().transformPoint(new DOMPoint(a, b)));
    const box = [
      Math.min(ends[0].x, ends[1].x),
      Math.min(ends[0].y, ends[1].y),
      Math.max(ends[0].x, ends[1].x),
      Math.max(ends[0].y, ends[1].y),
    ];
    texts
      .get(this.canvas)
      ?.push({ text, box: box.map((v) => v / ratio), room: [this.canvas.width / ratio, this.canvas.height / ratio] });
    return fill.apply(this, arguments);
  };
  at.drawImage = function (other) {
    // what was drawn before comes back with its texts
    if (kept.has(other)) texts.set(this.canvas, [...kept.get(other)]);
    return image.apply(this, arguments);
  };
  const off = OffscreenCanvasRenderingContext2D.prototype;
  const copy = off.drawImage;
  off.drawImage = function (other) {
    kept.set(this.canvas, [...(texts.get(other) ?? [])]);
    return copy.apply(this, arguments);
  };
  window.textsOn = (id) => texts.get(document.getElementById(id)) ?? [];
})();
