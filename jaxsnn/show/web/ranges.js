// The ranges of all axes as numbers, for keyboards and fingers; and which points are inside all of them.

function insideRanges() {
  const limited = Object.entries(state.ranges);
  if (!limited.length) return null;
  const tests = limited.map(([name, [low, high]]) => {
    const parameter = parameterOf(name);
    const values = parameter ? null : variableOf(name).values;
    const value = parameter ? (point) => parameter.places[placeOf(point, parameter.dim)] : (point) => values[point];
    return (point) => value(point) >= low && value(point) <= high;
  });
  return Uint8Array.from({ length: points }, (_, point) => tests.every((test) => test(point)));
}

function writeRanges() {
  const box = document.querySelector("#ranges div");
  if (!box.children.length) {
    for (const { name } of parallel.axes) {
      const field = (which, place) => {
        const input = element("input", {
          inputMode: "decimal",
          name,
          ariaLabel: `${name}: ${which}`,
          placeholder: which,
        });
        input.addEventListener("change", () => rangeTyped(name, place, input));
        return input;
      };
      box.append(element("fieldset", {}, element("legend", { title: name }, name), field("from", 0), field("to", 1)));
    }
  }
  for (const input of box.querySelectorAll("input")) {
    if (input === document.activeElement) continue;
    const range = state.ranges[input.name];
    const v = range ? range[input.placeholder === "from" ? 0 : 1] : null;
    input.value = v === null || !Number.isFinite(v) ? "" : String(Number(v.toPrecision(5)));
  }
  document.getElementById("clear").hidden = !Object.keys(state.ranges).length;
}

function rangeTyped(name, place, input) {
  const v = numberTyped(input);
  if (v === undefined) return;
  const range = state.ranges[name] ?? [-Infinity, Infinity];
  range[place] = v ?? (place ? Infinity : -Infinity);
  if (range[0] === -Infinity && range[1] === Infinity) delete state.ranges[name];
  else state.ranges[name] = range;
  changed();
}

// What stands in a field: a number, null where it is empty, undefined (and marked so) where it is neither.
function numberTyped(input) {
  const text = input.value.trim().replace("−", "-").replace(",", ".");
  const v = Number(text);
  input.setAttribute("aria-invalid", String(text !== "" && !Number.isFinite(v)));
  return text === "" ? null : Number.isFinite(v) ? v : undefined;
}
