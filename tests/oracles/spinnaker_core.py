"""SpiNNaker's programs in whole numbers of Python, one neuron at a time: written as the specification reads.

Words are int64 here and are cut to 32 bits by hand. Tests import it; `spinn_*.npz` says whether it is right.
"""

import numpy as np

ONE = 1 << 15
FULL = 65535


def wrapped(x):
    """The lowest 32 bits, signed."""
    return (int(x) + 2**31) % 2**32 - 2**31


def times(a, b):
    return wrapped(int(a) * int(b) >> 15)


def to_nearest(a, b):
    """Negative control: a product that rounds to the nearest."""
    return wrapped((int(a) * int(b) + ONE // 2) >> 15)


def less(g, d):
    return wrapped(int(g) * int(d) >> 32)


def exp(n):
    """`2^32 e^x` of `x = n / 2^15` as a whole number of 64 bits."""
    scale = lambda e, m: (
        (e >> 32) * m + ((e & 0xFFFFFFFF) * m >> 32) + (((e & 0xFFFFFFFF) * m & 0xFFFFFFFF) >= 2**31 - 1)
    )
    z, f = n >> 15, n & (ONE - 1)
    power = lambda z: int(np.rint(np.exp(np.longdouble(z)) * 2**32))
    if f == 0:
        return power(z)
    e, f = power(z + 1), ONE - f
    e -= scale(e, int(np.rint((1 - np.exp(-np.longdouble(f >> 11) / 16)) * 2**32)))
    y = (f & 2047) << 17
    return e - scale(e, 5294 + (y * (4293434720 - (2081624032 * y >> 32)) >> 32))


def exp_accum(n):
    return 2**31 - 1 if n > 363_408 else 0 if n < -340_695 else exp(n) >> 17


def exp_fract(n):
    return 0 if n < -340_695 else exp(n) % 2**32


def shape(tau, ts):
    d = exp_fract(-((ts << 15) // tau))
    return d, ((tau << 15) // ts * (2**32 - 1 - d) >> 15) % 2**32


def run(kind, p, shift, sub, ring, source, product=times):
    """What a neuron records and fires: rows of v, (u,) exc, inh before the step, and spikes in it.

    `kind`: cur, cond, delta or izh. `p`: accums by name. `ring`: what arrives in every step, `(steps, 2)`, before it is
    cut. `source`: a current in every step.
    """
    ts = p["dt"] // sub
    shapes = [shape(p[tau], ts) for tau in ("tau_exc", "tau_inh")] if kind != "delta" else [(0, 2**32 - 1)] * 2
    per_ts, g, ref, rows = (ONE << 15) // ts, [0, 0], 0, []
    if kind == "izh":
        v, u, h = p["v"], p["u"], p.get("next_h", ts)
    else:
        v, r = p["v_init"], (p["tau_m"] << 15) // p["c_m"]
        kept, held = exp_accum(-((ts << 15) // p["tau_m"])), -(-((p["t_ref"] << 15) // ts) // ONE)
    for arrived, given in zip(np.asarray(ring).tolist(), np.asarray(source).tolist(), strict=True):
        for s, w in enumerate(arrived):
            w = min(w, FULL) << shift[s]
            g[s] = wrapped(g[s] + (w if kind == "delta" else less(w, shapes[s][1])))
        recorded, spikes = [x >> 10 if kind == "cond" else x for x in g], 0
        rows.append([v, *([u] if kind == "izh" else []), *recorded])
        for _ in range(sub):
            if kind == "izh":
                i = wrapped(g[0] - g[1] + p["i_offset"] + given)
                part, ha = wrapped(140 * ONE + i - u), product(h, p["a"])
                square = lambda v: product(5 * ONE + product(1311, v), v)
                eta = v + product(ONE // 2, product(h, part + square(v)))
                beta = product(ONE // 2, product(ha, product(p["b"], v) - u))
                v, u = v + product(h, part - beta + square(eta)), u + product(ha, -u - beta + product(p["b"], eta))
                h, fires = ts, v >= p["v_th"]
                if fires:
                    v, u, h = p["c"], u + p["d"], product(ts, 60620)
            else:
                exc, inh = g
                if kind == "cond":
                    exc, inh = product(exc >> 10, p["e_exc"] - v), product(-(inh >> 10), p["e_inh"] - v)
                if kind == "delta":
                    exc, inh = product(exc, per_ts), product(inh, per_ts)
                if ref <= 0:
                    alpha = wrapped(product(wrapped(exc - inh + p["i_offset"] + given), r) + p["v_rest"])
                    v = wrapped(alpha - product(kept, wrapped(alpha - v)))
                else:
                    ref -= 1
                fires = v >= p["v_th"]
                if fires:
                    v, ref = p["v_reset"], held
            spikes += fires
            g = [0, 0] if kind == "delta" else [less(x, d) for x, (d, _) in zip(g, shapes, strict=True)]
        rows[-1].append(spikes)
    return np.array(rows)
