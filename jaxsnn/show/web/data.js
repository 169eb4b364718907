// What the page carries: the design, a column a result, and the arithmetic of points.
// A point is a place along every dimension; its number counts them with the last dimension fastest.

const sweep = JSON.parse(document.getElementById("sweep").textContent);
const dims = Object.keys(sweep.dims);
const points = dims.reduce((n, dim) => n * sweep.dims[dim], 1);
const stride = {};
dims.reduceRight((n, dim) => ((stride[dim] = n), n * sweep.dims[dim]), 1);

const TYPES = { f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };

// Text in base 85 (RFC 1924, with a comma for "<"): five characters are four bytes, the highest first.
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
const DIGIT = Object.fromEntries([...DIGITS].map((digit, i) => [digit.charCodeAt(0), i]));

function bytesOf(text) {
  const whole = Math.ceil(text.length / 5);
  const bytes = new DataView(new ArrayBuffer(4 * whole));
  const short = 5 * whole - text.length;
  for (let i = 0; i < whole; i++) {
    let word = 0;
    for (let k = 5 * i; k < 5 * i + 5; k++) word = word * 85 + (k < text.length ? DIGIT[text.charCodeAt(k)] : 84);
    bytes.setUint32(4 * i, word);
  }
  return new Uint8Array(bytes.buffer, 0, 4 * whole - short);
}

// A column: numbers as a typed array, text as an array.
async function unpacked(column) {
  const stream = new Blob([bytesOf(column.data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const n = column.n;
  const bytes = new Uint8Array(planes.length);
  const width = n ? planes.length / n : 0;
  for (let b = 0; b < width; b++) for (let i = 0; i < n; i++) bytes[i * width + b] = planes[b * n + i];
  const values = new TYPES[column.type](bytes.buffer);
  if (!column.table) return values;
  if (typeof column.table.find((x) => x !== null) === "string") return Array.from(values, (i) => column.table[i]);
  const table = column.table.map((x) => (x === null ? NaN : x));
  return Float64Array.from(values, (i) => table[i]);
}

async function unpackAll() {
  const open = async (item, ...names) => {
    for (const name of names) item[name] = await unpacked(item[name]);
  };
  sweep.pending = await unpacked(sweep.pending);
  for (const parameter of sweep.parameters) await open(parameter, "values").then(() => named(parameter));
  for (const variable of sweep.variables) await open(variable, "values");
  for (const trouble of sweep.troubles) await open(trouble, "points");
  for (const series of sweep.series) await open(series, "places", "low", "high", "steps");
}

// Text has places 0, 1, ... on an axis, in the order of the design.
function named(parameter) {
  if (parameter.form === "text" || parameter.form === "bool") {
    parameter.names = [...new Set(parameter.values)];
    const place = new Map(parameter.names.map((name, i) => [name, i]));
    parameter.places = Float64Array.from(parameter.values, (name) => place.get(name));
  } else {
    parameter.places = parameter.values;
  }
  parameter.listed = sweep.parameters.some((other) => other !== parameter && other.dim === parameter.dim);
}

const parameterOf = (name) => sweep.parameters.find((parameter) => parameter.name === name);
const variableOf = (name) => sweep.variables.find((variable) => variable.name === name);
const titled = (item) => item.name + (item.unit ? ` (${item.unit})` : "");
const placeOf = (point, dim) => Math.floor(point / stride[dim]) % sweep.dims[dim];
const placesOf = (point) => Object.fromEntries(dims.map((dim) => [dim, placeOf(point, dim)]));
const pointAt = (at, except = []) => dims.reduce((n, dim) => n + (except.includes(dim) ? 0 : at[dim] * stride[dim]), 0);

// How far every combination of places along some dimensions is from their first.
function offsets(names) {
  let found = [0];
  for (const dim of names) {
    const steps = Array.from({ length: sweep.dims[dim] }, (_, i) => i * stride[dim]);
    found = found.flatMap((offset) => steps.map((step) => offset + step));
  }
  return found;
}

// One number of several points, those without a value left out: "mean", "sd" (of a sample), "lowest", "highest" or
// "count".
function statistic(values, first, steps, which) {
  let n = 0;
  let mean = 0;
  let squares = 0;
  let low = Infinity;
  let high = -Infinity;
  for (const step of steps) {
    const x = values[first + step];
    if (x !== x) continue;
    n += 1;
    const delta = x - mean;
    mean += delta / n;
    squares += delta * (x - mean);
    if (x < low) low = x;
    if (x > high) high = x;
  }
  if (which === "count") return n;
  if (!n) return NaN;
  if (which === "mean") return low === high ? low : mean;
  if (which === "sd") return n > 1 ? Math.sqrt(squares / (n - 1)) : NaN;
  return which === "lowest" ? low : high;
}
