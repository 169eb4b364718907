// The controls of the page: what they choose, and what they show of what is chosen.

function fill(id, options, then) {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
  select.addEventListener("change", () => then(select.value));
}

function buildControls() {
  const axes = varying().map((p) => [p.name, titled(p)]);
  const set = (name) => (value) => changed({ [name]: value });
  fill(
    "variable",
    sweep.variables.map((v) => [v.name, titled(v)]),
    (variable) => changed({ variable, low: null, high: null }),
  );
  fill(
    "statistic",
    Object.keys(STATISTICS).map((name) => [name, name]),
    set("statistic"),
  );
  fill(
    "scale",
    [
      ["auto", ""],
      ["linear", "linear"],
      ["log", "log"],
    ],
    set("scale"),
  );
  fill(
    "range",
    [
      ["all", "all points"],
      ["map", "this map"],
      ["middle", "middle 98 %"],
    ],
    set("range"),
  );
  fill("x", axes, (x) => changed(x === state.y ? { x, y: state.x } : { x }));
  fill("y", axes, (y) => changed(y === state.x ? { y, x: state.y } : { y }));
  fill("along", axes, (along) =>
    changed({ along, each: state.each === along || parameterOf(along).listed ? "" : state.each }),
  );
  fill(
    "each",
    [
      ["", "–"],
      ...varying()
        .filter((p) => !p.listed)
        .map((p) => [p.name, titled(p)]),
    ],
    set("each"),
  );
  document.getElementById("swap").addEventListener("click", () => changed({ x: state.y, y: state.x }));
  document.getElementById("clear").addEventListener("click", () => changed({ ranges: {} }));
  document.getElementById("save").addEventListener("click", save);
  document.getElementById("copy").addEventListener("click", copy);
  for (const end of ["low", "high"]) {
    const input = document.getElementById(end);
    input.addEventListener("change", () => {
      const v = numberTyped(input);
      if (v !== undefined) changed({ [end]: v });
    });
  }
  readable(document.getElementById("map-canvas"), mapHit);
  readable(document.getElementById("lines-canvas"), linesHit);
  parallelPointer(document.getElementById("parallel-canvas"));
  keys(document.getElementById("map-canvas"), mapStep);
  keys(document.getElementById("lines-canvas"), (right) => {
    const { order } = lines.curves[0];
    const next = order[order.indexOf(state.at[lines.along.dim]) + right];
    return right && next !== undefined ? { [lines.along.dim]: next } : null;
  });
}

function keys(canvas, step) {
  const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in ways)) return;
    const at = step(...ways[event.key]);
    if (at) choose(at);
    event.preventDefault();
  });
}

function writeControls() {
  for (const id of ["variable", "statistic", "scale", "range", "x", "y", "along", "each"])
    document.getElementById(id).value = state[id];
  const over = document.getElementById("statistic-label");
  over.hidden = !state.over.length || !mapped();
  over.firstElementChild.textContent = `over ${state.over.join(", ")}`;
  document.querySelector('#scale [value="auto"]').textContent =
    `auto (${variableOf(state.variable).log ? "log" : "linear"})`;
  const others = varying().filter((p) => !p.listed && p.name !== state.along);
  document.getElementById("each-label").hidden = !others.length || parameterOf(state.along)?.listed;
  for (const option of document.querySelectorAll("#each option")) option.hidden = option.value === state.along;
  const { automatic } = colourScale(variableOf(state.variable).values);
  ["low", "high"].forEach((end, i) => {
    const input = document.getElementById(end);
    input.placeholder = short(automatic[i], 3);
    if (input !== document.activeElement) input.value = state[end] ?? "";
  });
}

// The map as a PNG, on paper and with its title.
function save() {
  const canvas = document.getElementById("map-canvas");
  const ratio = canvas.width / canvas.clientWidth;
  const head = Math.round(34 * ratio);
  const whole = element("canvas", { width: canvas.width, height: canvas.height + head });
  const g = whole.getContext("2d");
  g.fillStyle = styled("--paper");
  g.fillRect(0, 0, whole.width, whole.height);
  g.drawImage(canvas, 0, head);
  g.scale(ratio, ratio);
  g.font = `600 ${FONT}`;
  g.fillStyle = styled("--ink");
  g.fillText(clipped(g, `${sweep.title}: ${mapTitle()}`, canvas.clientWidth - 24), 12, 22);
  element("a", { href: whole.toDataURL("image/png"), download: `${sweep.title}-${state.variable}.png` }).click();
}

async function copy() {
  const said = document.getElementById("copied");
  const command = document.getElementById("command");
  try {
    await navigator.clipboard.writeText(command.textContent);
    said.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(command); // a browser that does not let files use the clipboard
    said.textContent = "Selected: press Ctrl+C.";
  }
  setTimeout(() => (said.textContent = ""), 4000);
}
