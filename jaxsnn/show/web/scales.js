// Numbers as text, and axes: where a value stands, and which ticks there is room for.

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = (n) => (n < 0 ? "⁻" : "") + String(Math.abs(n)).replace(/\d/g, (digit) => RAISED[digit]);

// A number to read, with so many digits: 0.0123, 1.2×10⁻⁷, −3.
function short(value, digits = 4) {
  if (value === null || value !== value) return "no value";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size >= 10 ** Math.max(6, digits) || size < 1e-3) {
    const [head, tail] = rounded.toExponential().split("e");
    return `${head === "1" ? "" : head === "-1" ? "−" : head.replace("-", "−") + "×"}10${power(Number(tail))}`;
  }
  return String(rounded).replace("-", "−");
}

// What a parameter is at a place.
function reading(parameter, place, digits = 6) {
  if (parameter.names) return parameter.values[place];
  return short(parameter.values[place], digits) + (parameter.unit ? ` ${parameter.unit}` : "");
}

// An axis from `low` to `high`: `of` is 0 to 1 along it, `at` the way back; `own` are the values that stand on it.
function axisOf(label, low, high, { log = false, names = null, own = null } = {}) {
  const to = log ? Math.log : (x) => x;
  const from = log ? Math.exp : (x) => x;
  const start = to(low);
  const span = to(high) - start || 1;
  const of = (value) => (to(value) - start) / span;
  return { label, low, high, log, names, own, of, at: (share) => from(start + share * span) };
}

// The axis of a parameter, with room for the cells of its outermost values, or a little around dots.
function parameterAxis(parameter, cells) {
  const { names, log } = parameter;
  const own = [...new Set(parameter.places)].sort((a, b) => a - b);
  const to = log ? Math.log : (x) => x;
  const from = log ? Math.exp : (x) => x;
  const at = own.map(to);
  const n = at.length;
  const first = at[0];
  const last = at[n - 1];
  const before = names || n < 2 ? 0.5 : cells ? (at[1] - first) / 2 : (last - first) * 0.03;
  const after = names || n < 2 ? 0.5 : cells ? (last - at[n - 2]) / 2 : (last - first) * 0.03;
  return axisOf(titled(parameter), from(first - before), from(last + after), {
    log,
    names,
    own: cells || names || n <= 12 ? own : null,
  });
}

// The axis of numbers; on a logarithmic one those that are not positive have no place.
function valueAxis(label, values, log, pad = 0.05) {
  let low = Infinity;
  let high = -Infinity;
  for (const x of values) {
    if (!Number.isFinite(x) || (log && x <= 0)) continue;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  if (log) {
    const room = Math.max((high / low) ** pad, 1.05);
    return axisOf(label, low / room, high * room, { log });
  }
  const room = (high - low) * pad || Math.abs(high) * 0.1 || 1;
  return axisOf(label, low >= 0 && low < 0.35 * high ? 0 : low - room, high + room, {});
}

// Ticks `[value, text]` for which there is room: `fits(ticks)` says whether texts collide.
function ticksOf(axis, most, fits) {
  if (axis.names) {
    for (let every = 1; ; every++) {
      const ticks = axis.names.map((name, i) => [i, name]).filter((_, i) => i % every === 0);
      if (every >= axis.names.length || fits(ticks)) return ticks;
    }
  }
  const spaced = axis.own?.slice(1).map((x, i) => axis.of(x) - axis.of(axis.own[i])) ?? [];
  const even = Math.max(...spaced) < 1.01 * Math.min(...spaced);
  for (let every = 1; axis.own && axis.own.length <= 24 && every <= (even ? 4 : 1); every++) {
    const ticks = axis.own.filter((_, i) => i % every === 0).map((x) => [x, short(x)]);
    if (ticks.length > 1 && fits(ticks)) return ticks;
  }
  for (let n = most; n > 1; n--) {
    const ticks = axis.log ? decades(axis, n) : evenly(axis, n);
    if (ticks.length && fits(ticks)) return ticks;
  }
  return evenly(axis, 1).slice(0, 1);
}

function evenly(axis, most) {
  const rough = (axis.high - axis.low) / most;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * [1, 2, 5, 10].find((factor) => factor * size >= rough * 0.999);
  const decimals = Math.min(20, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const large = Math.max(Math.abs(axis.low), Math.abs(axis.high));
  const found = [];
  for (let i = Math.ceil(axis.low / step - 1e-9); i * step <= axis.high + step * 1e-9; i++) {
    const x = i * step;
    found.push([x, large < 1e6 && large >= 1e-3 ? x.toFixed(decimals).replace("-", "−") : short(x, 5)]);
  }
  return found;
}

function decades(axis, most) {
  const first = Math.floor(Math.log10(axis.low));
  const last = Math.ceil(Math.log10(axis.high));
  const inside = (factors, every) => {
    const found = [];
    for (let n = first; n <= last; n++) {
      if (n % every) continue;
      for (const factor of factors) {
        const x = Number(`${factor}e${n}`);
        if (x >= axis.low * 0.9999 && x <= axis.high * 1.0001) found.push([x, short(x)]);
      }
    }
    return found;
  };
  const choices = [
    inside([1, 2, 3, 5, 7], 1),
    inside([1, 2, 5], 1),
    inside([1, 3], 1),
    ...[1, 2, 3, 4, 6, 10, 20].map((every) => inside([1], every)),
  ];
  const enough = choices.find((ticks) => ticks.length <= most && ticks.length > 1);
  return enough || evenly(axis, most);
}
