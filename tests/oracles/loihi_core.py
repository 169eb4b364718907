"""The integer core of Loihi in NumPy int64, written to be read: the specification that all else is compared with.

Public sources only: Davies et al., IEEE Micro 38:82 (2018); Lava 0.10 (`proc/lif`, `proc/dense`, `utils/weightutils`),
nengo-loihi 1.1 (`emulator/interface.py`, `builder/discretize.py`), Brian2Loihi 0.5.2. Needs numpy only, so that it runs
inside every emulator's own environment.

A case is `{"cells": {name: registers}, "links": {name: synapses}, "inputs": {name: raster}, "core": switches}`:

- registers: `n`, `decay_u`, `decay_v` (effective, 0..4096), `threshold` (mantissa), `bias`, `bias_exponent`,
  `refractory` (1: no held step), `v_min`, `v_max`; numbers or arrays of n. Optional `noise`: `(steps, n)` numbers, with
  `noise_exponent`, `noise_offset`, `noise_at` ("current" or "membrane").
- synapses: `pre`, `post`, `weight` (n_pre, n_post), `exponent`, `bits`, `sign` ("mixed", "exc", "inh"), `delay`
  (number or array, 0: heard in the next step).
- a raster has shape (steps, n): row t is what an input sends in step t.
"""

import numpy as np

# What the public emulators do differently. `truncate`: low bits of a weight; `shift`: where 2^exponent is applied.
LAVA = {"accumulator": None, "current": "lava", "biased": None, "truncate": "floor", "shift": "sum", "clip_v": True}
NENGO = {"accumulator": 21, "current": 23, "biased": 23, "truncate": "as given", "shift": "synapse", "clip_v": True}
LOIHI1 = {**NENGO, "truncate": "zero"}
BRIAN2LOIHI = {**LOIHI1, "accumulator": None, "current": None, "biased": None, "clip_v": False}
CORES = {"lava": LAVA, "nengo": NENGO, "brian2loihi": BRIAN2LOIHI, "loihi1": LOIHI1}


def decay(x, d):
    """`x (4096 - d) / 4096`, rounded toward zero."""
    return np.sign(x) * ((np.abs(x) * (4096 - d)) >> 12)


def wrap(x, bits):
    """Two's complement of `bits` bits and a sign; None: not limited. "lava": one conditional turn, ends swapped."""
    if bits is None:
        return x
    if bits == "lava":
        return np.where(x > 2**23, x - 2**24, np.where(x <= -(2**23), x + 2**24, x))
    return (x + 2**bits) % 2 ** (bits + 1) - 2**bits


def stored(link, core):
    """Weight mantissas as the synapse memory holds them: clipped to the sign mode's range, low bits dropped."""
    w = np.asarray(link["weight"], np.int64)
    if core["truncate"] == "as given":
        return w
    mixed = link["sign"] == "mixed"
    drop = 8 - link["bits"] + mixed
    if core["truncate"] == "zero":
        low, high = {"mixed": (-256, 255), "exc": (0, 255), "inh": (-256, 0)}[link["sign"]]
        w = np.clip(w, low, high)
        return np.sign(w) * ((np.abs(w) >> drop) << drop)
    low, high = {"mixed": (-256, 255), "exc": (0, 255), "inh": (-255, 0)}[link["sign"]]
    w = np.clip(w, low, high)
    return -((-w >> drop) << drop) if link["sign"] == "inh" else (w >> drop) << drop


def carried(link, core, spikes):
    """What a link adds to its cells for one step's spikes, by delay: {delay: (n_post,)}. Already times 2^6."""
    w, e = stored(link, core), int(link["exponent"])
    delay = np.broadcast_to(np.asarray(link["delay"], np.int64), w.shape)
    if core["shift"] == "synapse":  # 2^exponent on every weight; a fraction is lost synapse by synapse
        w = w << (6 + e) if e >= 0 else (w >> -e) << 6
        w = np.clip(w, -(2**21) + 64, 2**21 - 64)
        return {d: spikes @ np.where(delay == d, w, 0) for d in np.unique(delay)}
    total = {d: spikes @ np.where(delay == d, w, 0) for d in np.unique(delay)}
    return {d: (a << e if e > 0 else a >> -e) << 6 for d, a in total.items()}


def noise(cell, t):
    """Noise of step t: `trunc((x + 64 offset) 2^(exponent - 7))`, x uniform in -127..127, given as `cell["noise"]`."""
    x = np.asarray(cell["noise"][t], np.int64) + 64 * cell["noise_offset"]
    return np.sign(x) * (np.abs(x) << cell["noise_exponent"] >> 7)


def run(case, steps):
    """`{name: {"u": (steps, n), "v": .., "s": ..}}` of every group of cells."""
    core = case["core"]
    core = CORES[core] if isinstance(core, str) else core
    cells, inputs = case["cells"], case.get("inputs", {})
    state = {name: {k: np.zeros(c["n"], np.int64) for k in ("u", "v", "held", "s")} for name, c in cells.items()}
    out = {name: {k: [] for k in ("u", "v", "s")} for name in cells}
    arriving = {}  # (name, step) -> what lands there
    for t in range(steps):
        for name, c in cells.items():
            s = state[name]
            number = lambda key, c=c: np.asarray(c[key], np.int64)
            a = arriving.pop((name, t), np.zeros(c["n"], np.int64))
            if c.get("noise") is not None and c["noise_at"] == "current":
                a = a + noise(c, t)
            a = wrap(a, core["accumulator"])
            s["u"] = wrap(decay(s["u"], number("decay_u")) + a, core["current"])
            bias = number("bias") * 2.0 ** number("bias_exponent")
            d = s["u"] + np.floor(bias).astype(np.int64)
            if c.get("noise") is not None and c["noise_at"] == "membrane":
                d = d + noise(c, t)
            d = wrap(d, core["biased"])
            s["v"] = decay(s["v"], number("decay_v")) + d
            if core["clip_v"]:
                s["v"] = np.clip(s["v"], number("v_min"), number("v_max"))
            s["v"] = np.where(s["held"] > 0, 0, s["v"])
            s["s"] = (s["v"] > number("threshold") << 6).astype(np.int64)
            s["v"] = np.where(s["s"] > 0, 0, s["v"])
            s["held"] = np.maximum(np.where(s["s"] > 0, number("refractory"), s["held"]) - 1, 0)
            for key in out[name]:
                out[name][key].append(s[key])
        for link in case["links"].values():
            pre = link["pre"]
            sent = state[pre]["s"] if pre in cells else np.asarray(inputs[pre][t], np.int64)
            for d, a in carried(link, core, sent).items():
                at = (link["post"], t + 1 + int(d))
                arriving[at] = arriving.get(at, 0) + a
    return {name: {key: np.array(rows) for key, rows in of.items()} for name, of in out.items()}
