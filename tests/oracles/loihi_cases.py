"""Random programs for the integer core: small, busy, and near or beyond every limit. Needs numpy only.

A case is what `loihi_core.run` takes. Within one `signs` (of the input and the recurrent synapses) all have one shape.
`freeze` writes cases with what an emulator made of them, `thaw` reads them back.
"""

import pathlib

import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"

N, M, STEPS = 12, 7, 50
SIGNS = [("mixed", "mixed"), ("exc", "inh"), ("exc", "mixed"), ("inh", "exc")]
LOW = {"mixed": -256, "exc": 0, "inh": -255}
HIGH = {"mixed": 255, "exc": 255, "inh": 0}


def weights(rng, shape, sign, sparse):
    w = rng.integers(LOW[sign], HIGH[sign] + 1, shape)
    return np.where(rng.random(shape) < sparse, w, 0)


def case(core, seed, signs=None, *, exponents=(-6, 7), refractory=5, bias=True, delays=3, v_min=None, odd=True):
    """One random program: every register, low to high. A third of them are driven far beyond what registers hold."""
    rng = np.random.default_rng(seed)
    into, back = SIGNS[seed % len(SIGNS)] if signs is None else signs
    wild = seed % 3 == 0
    loud = rng.uniform(0.3, 1.0) if wild else rng.uniform(0.05, 0.4)
    low, high = exponents
    exponent = lambda: int(rng.integers(max(low, high - 2), high + 1) if wild else rng.integers(low, min(high, 2) + 1))
    corner = rng.choice([0, 1, 4095, 4096], N)
    decays = lambda: np.where(rng.random(N) < 0.3, corner, rng.integers(0, 4097, N))
    e = [exponent(), exponent()]
    reach = 64 * 2.0 ** max(e) * 128 * M * loud
    top = int(np.clip(reach / 64 * rng.uniform(0.05, 1.5), 1, 131071))
    even = 1 if odd else 2
    return {
        "core": core,
        "cells": {
            "E": {
                "n": N,
                "decay_u": decays(),
                "decay_v": decays(),
                "threshold": rng.integers(max(1, top // 2), top + 1, N),
                "bias": rng.integers(-4095, 4096, N) if bias else np.zeros(N, int),
                "bias_exponent": rng.integers(0, 8, N) if bias else np.zeros(N, int),
                "refractory": rng.integers(1, refractory + 1, N),
                "v_min": np.full(N, -(2**23) + 1 if v_min is None and seed % 2 else v_min or 0),
                "v_max": np.full(N, 2**23 - 1),
            }
        },
        "links": {
            "in": {
                "pre": "in",
                "post": "E",
                "weight": weights(rng, (M, N), into, 0.9) // even * even,
                "exponent": e[0],
                "bits": int(rng.integers(1, 9)),
                "sign": into,
                "delay": int(rng.integers(0, delays + 1)),
            },
            "back": {
                "pre": "E",
                "post": "E",
                "weight": weights(rng, (N, N), back, 0.5) // even * even,
                "exponent": e[1],
                "bits": int(rng.integers(1, 9)),
                "sign": back,
                "delay": rng.integers(0, delays + 1, (N, N)),
            },
        },
        "inputs": {"in": (rng.random((STEPS, M)) < loud).astype(np.int64)},
    }


def compare(emulator, cases, controls):
    """Runs all cases through an emulator and the oracle: results, mismatching numbers, and those of changed cases."""
    import loihi_core

    results, wrong, spikes, caught = [], 0, 0, dict.fromkeys(controls, 0)
    for one in cases:
        theirs = emulator(one)
        mine = loihi_core.run(one, STEPS)["E"]
        wrong += sum(int(np.sum(mine[key] != theirs[key])) for key in ("u", "v", "s"))
        spikes += int(theirs["s"].sum())
        results.append(theirs)
        for name, core in controls.items():
            other = loihi_core.run({**one, "core": core}, STEPS)["E"]
            caught[name] += any(np.any(other[key] != theirs[key]) for key in ("u", "v", "s"))
    print(
        f"{len(cases)} configurations, {spikes} spikes, {wrong} mismatching numbers; caught by a changed core: {caught}"
    )
    return results, wrong


def freeze(name, cases, results, most=60):
    """One array a number of a case and of its result; of the two pairs of sign modes that have all three modes."""
    kept = [i for i, one in enumerate(cases) if signs_of(one) in SIGNS[:2]][:most]
    cases, results = [cases[i] for i in kept], [results[i] for i in kept]
    flat = {"core": np.array([one["core"] for one in cases])}
    for part in ("cells", "links", "inputs"):
        for group in cases[0][part]:
            of = [one[part][group] for one in cases]
            keys = of[0] if isinstance(of[0], dict) else {"raster": 0}
            for key in keys:
                values = np.array([o[key] if isinstance(o, dict) else o for o in of])
                flat[f"{part}.{group}.{key}"] = values if values.dtype.kind == "U" else small(values)
    flat |= {f"result.{key}": small(np.array([r[key] for r in results])) for key in ("u", "v", "s")}
    np.savez_compressed(GOLDEN / f"{name}.npz", **flat)


def signs_of(case):
    """The sign modes of its synapses."""
    return case["links"]["in"]["sign"], case["links"]["back"]["sign"]


def small(values):
    """The smallest integer type that holds all of them."""
    low, high = values.min(), values.max()
    return values.astype(
        next(t for t in (np.int8, np.int16, np.int32, np.int64) if low >= np.iinfo(t).min and high <= np.iinfo(t).max)
    )


def thaw(name):
    """Cases and results, as they were."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        flat = {key: file[key] for key in file.files}
    cases, results = [], []
    for i in range(len(flat["core"])):
        one = {"core": str(flat["core"][i]), "cells": {}, "links": {}, "inputs": {}}
        for path, values in flat.items():
            part, _, rest = path.partition(".")
            group, _, key = rest.partition(".")
            if part in ("cells", "links"):
                value = values[i]
                value = str(value) if values.dtype.kind == "U" else value.astype(np.int64)
                one[part].setdefault(group, {})[key] = (
                    int(value) if np.ndim(value) == 0 and not isinstance(value, str) else value
                )
            elif part == "inputs":
                one[part][group] = values[i].astype(np.int64)
        cases.append(one)
        results.append({key: flat[f"result.{key}"][i].astype(np.int64) for key in ("u", "v", "s")})
    return cases, results
