// The chosen point: a slider for every dimension, results, curves, picture, and the command that runs it again.

function buildSliders() {
  document.getElementById("sliders").replaceChildren(
    ...dims
      .filter((dim) => sweep.dims[dim] > 1)
      .map((dim) => {
        const own = sweep.parameters.filter((p) => p.dim === dim);
        const name = own.length === 1 ? titled(own[0]) : `${dim} (0 to ${sweep.dims[dim] - 1})`;
        const input = element("input", { type: "range", min: 0, max: sweep.dims[dim] - 1, id: `at ${dim}`, name: dim });
        input.addEventListener("input", () => choose({ [dim]: Number(input.value) }));
        const parts = [
          element("label", { htmlFor: input.id, title: name }, name),
          element("output", { htmlFor: input.id }),
          input,
        ];
        if (own.some((p) => p.repeats)) {
          const all = element("input", { type: "checkbox", name: `all ${dim}` });
          all.addEventListener("change", () => {
            state.over = all.checked ? [...state.over, dim] : state.over.filter((other) => other !== dim);
            changed();
          });
          parts.push(element("label", { className: "all" }, all, ` all ${sweep.dims[dim]} together`));
        }
        const listed = own.length > 1 ? [element("dl", { id: `of ${dim}` })] : [];
        return element("div", { className: "slider" }, ...parts, ...listed);
      }),
  );
}

function writePoint() {
  for (const dim of dims.filter((dim) => sweep.dims[dim] > 1)) {
    const input = document.getElementById(`at ${dim}`);
    const row = input.parentElement;
    const all = row.querySelector("[type=checkbox]");
    const own = sweep.parameters.filter((p) => p.dim === dim);
    const together = state.over.includes(dim);
    const n = sweep.dims[dim];
    const said = own.length === 1 ? reading(own[0], state.at[dim]) : String(state.at[dim]);
    input.value = state.at[dim];
    input.setAttribute(
      "aria-valuetext",
      own.length === 1 ? said : own.map((p) => `${p.name} ${reading(p, state.at[dim])}`).join(", "),
    );
    row.querySelector("output").textContent = together ? `all ${n}` : said;
    row.classList.toggle("off", together);
    if (all) all.checked = together;
    const list = document.getElementById(`of ${dim}`);
    if (list)
      list.replaceChildren(
        ...own.flatMap((p) => [element("dt", {}, p.name), element("dd", {}, reading(p, state.at[dim]))]),
      );
  }
  const first = pointAt(state.at, state.over);
  const steps = offsets(state.over);
  writeValues(first, steps);
  writeTroubles(first, steps);
  drawCurves(pointAt(state.at));
  writePicture(first, steps);
  document.getElementById("command-title").textContent = sweep.command ? "Run it again" : "In Python";
  document.getElementById("command").textContent = sweep.command ? commandOf(state.at) : selectionOf(state.at);
}

function writeValues(first, steps) {
  const rows = sweep.variables.map((variable) => {
    const of = (which) => statistic(variable.values, first, steps, which);
    const n = of("count");
    const unit = n && variable.unit ? ` ${variable.unit}` : "";
    const name = element("button", { title: `Show ${variable.name}` }, variable.name);
    name.addEventListener("click", () => changed({ variable: variable.name }));
    const pending = steps.every((step) => marks.pending[first + step]);
    const value = pending
      ? "not run yet"
      : short(of("mean"), n > 1 ? Math.min(5, sweep.digits) : sweep.digits) +
        (n > 1 ? ` ± ${short(of("sd"), 3)}` : "") +
        unit;
    const notes = [variable.note, steps.length > 1 && n < steps.length ? `${n} of ${steps.length} have a value` : ""]
      .filter(Boolean)
      .join("; ");
    const row = element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", {}, value, ...(notes ? [element("small", {}, notes)] : [])),
    );
    if (variable.name === state.variable) row.setAttribute("aria-current", "true");
    return row;
  });
  const table = document.querySelector("#values tbody");
  const at = [...table.querySelectorAll("button")].indexOf(document.activeElement);
  table.replaceChildren(...rows);
  if (at >= 0) table.querySelectorAll("button")[at].focus();
  const spread = document.getElementById("spread");
  spread.hidden = steps.length < 2;
  spread.textContent = `Mean ± standard deviation of ${steps.length}.`;
}

function writeTroubles(first, steps) {
  const box = document.getElementById("point-trouble");
  const found = new Set(steps.flatMap((step) => marks.troubles.get(first + step) ?? []));
  box.hidden = !found.size;
  box.textContent = [...found].map((i) => `${sweep.troubles[i].kind}: ${sweep.troubles[i].message}`).join("\n");
}

function drawCurves(point) {
  const box = document.getElementById("curves");
  while (box.children.length < sweep.series.length) {
    box.append(
      element("div", {}, element("h3", {}, element("span")), element("figure", {}, element("canvas", { role: "img" }))),
    );
  }
  sweep.series.forEach((series, k) => {
    const n = series.places.length;
    const at = point * n;
    const [low, high] = [series.low[point], series.high[point]];
    const values = Array.from({ length: n }, (_, i) =>
      series.steps[at + i] === 255 ? NaN : low + (series.steps[at + i] / 254) * (high - low),
    );
    const canvas = box.children[k].querySelector("canvas");
    const page = sheet(canvas, 150);
    const { g } = page;
    const ends = [series.places[0], series.places[n - 1]];
    const frame = framed(
      page,
      axisOf(titled({ name: series.along, unit: series.along_unit }), ends[0], ends[1]),
      valueAxis("", values, false),
      { right: 10 },
    );
    drawAxes(page, frame);
    g.strokeStyle = styled("--accent");
    g.lineWidth = 1.2;
    g.lineJoin = "round";
    for (const [from, to] of stretches(values, Number.isFinite)) {
      g.beginPath();
      for (let i = from; i <= to; i++) g.lineTo(frame.place(series.places[i]), frame.rise(values[i]));
      g.stroke();
    }
    g.lineWidth = 1;
    box.children[k].querySelector("span").textContent =
      titled(series) + (series.every > 1 ? `, means of ${series.every}` : "");
    canvas.setAttribute("aria-label", `${series.name} along ${series.along}, from ${short(low)} to ${short(high)}`);
  });
}

function writePicture(first, steps) {
  const figure = document.getElementById("picture");
  const picture = sweep.pictures.find(({ point }) => point !== null && steps.some((step) => first + step === point));
  const near = picture ? null : nearestPicture(first);
  figure.hidden = !picture && !near;
  if (picture)
    figure.replaceChildren(drawn(picture), element("figcaption", {}, `Drawn by the experiment at ${picture.alt}`));
  if (!near) return;
  const there = element("button", {}, near.alt);
  there.addEventListener("click", () => choose(placesOf(near.point)));
  figure.replaceChildren(
    element(
      "figcaption",
      {},
      `${sweep.command ? "The command draws its picture. The" : "The"} nearest point whose picture is here: `,
      there,
    ),
  );
}

const drawn = (picture) => element("img", { src: picture.data, alt: `Drawn by the experiment: ${picture.alt}` });

// By places along each dimension, as a share of its length.
function nearestPicture(point) {
  const away = (other) =>
    dims.reduce((sum, dim) => sum + ((placeOf(other, dim) - placeOf(point, dim)) / sweep.dims[dim]) ** 2, 0);
  const own = sweep.pictures.filter((picture) => picture.point !== null).sort((a, b) => away(a.point) - away(b.point));
  return own.length ? own[0] : null;
}

// The command with the values of a point in it, as the command line takes them.
function commandOf(at) {
  return sweep.command.replace(/\{([^{}]*)\}/g, (whole, name) => {
    const parameter = parameterOf(name);
    return parameter ? quoted(written(parameter, parameter.values[at[parameter.dim]])) : whole;
  });
}

// Without a command: how the dataset is asked for the point.
const selectionOf = (at) => `ds.isel({${dims.map((dim) => `${JSON.stringify(dim)}: ${at[dim]}`).join(", ")}})`;

function written({ form, exact }, value) {
  if (form === "text" || form === "bool") return value;
  if (form === "int") return String(value);
  let text = String(value);
  for (let digits = 1; !exact && digits < 10; digits++) {
    text = String(Number(value.toPrecision(digits))); // the shortest that is the same float32
    if (Math.fround(Number(text)) === value) break;
  }
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

const quoted = (text) => (/^[\w.,:+=@%/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
